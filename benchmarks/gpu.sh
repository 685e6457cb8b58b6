#!/usr/bin/env bash
# Tests and benchmarks that need a GPU, in less than eight minutes on one H200:
#   benchmarks/gpu.sh OUTPUT [STAGE ...]        stages: tests step kernels packing mps ours ours-mps guide
# Each figure is a ratio of values from the same run. PYTHON is the Python interpreter.
set -uo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
output=${1:?usage: benchmarks/gpu.sh OUTPUT [STAGE ...]}
shift
[ $# -gt 0 ] || set -- tests step kernels packing mps ours guide
mkdir -p "$output"

# Arguments: maximum duration of the stage in seconds, then its command.
stage() {
    local limit=$1
    shift
    timeout --kill-after 10 "$limit" "$@" || echo "status $? (limit $limit s): $*"
}

# CUDA's multi-process service runs kernels of several processes at the same time.
start_mps() {
    command -v nvidia-cuda-mps-control > /dev/null || return 1
    export CUDA_MPS_PIPE_DIRECTORY CUDA_MPS_LOG_DIRECTORY
    CUDA_MPS_PIPE_DIRECTORY=$(mktemp -d)
    CUDA_MPS_LOG_DIRECTORY=$CUDA_MPS_PIPE_DIRECTORY
    nvidia-cuda-mps-control -d &&
        timeout 30 "$python" -c 'import torch; torch.ones(1, device="cuda").item()'
}

stop_mps() {
    [ -n "${CUDA_MPS_PIPE_DIRECTORY:-}" ] || return 0
    echo quit | timeout 20 nvidia-cuda-mps-control
    rm -rf "$CUDA_MPS_PIPE_DIRECTORY"
    unset CUDA_MPS_PIPE_DIRECTORY CUDA_MPS_LOG_DIRECTORY
}

pack() {
    stage 100 "$python" -m benchmarks.packing --case lenet:64 --at-a-time 4 --at-a-time 15 --rounds 1 --seconds 3 --output "$1"
}

search() { # contestant, number of concurrent trials, limit in seconds, output
    stage "$3" "$python" -m benchmarks.versus.run --contestant "$1" --seeds 0 --num-samples 64 \
        --max-epochs 4 --until-accuracy 1 --device cuda --workers "$2" --at-most $(($3 - 20)) --output "$4"
}

for name in "$@"; do
    echo "== $name $(date +%T)"
    case $name in
        tests) stage 200 "$python" -m pytest -m gpu tests/gpu -q -p no:cacheprovider ;;
        step) stage 90 "$python" -m benchmarks.step --device cuda --rounds 2 --output "$output/step" ;;
        kernels) stage 60 "$python" -m benchmarks.kernels --output "$output/kernels" ;;
        packing) pack "$output/packing" ;;
        mps) if start_mps; then pack "$output/packing-mps"; else echo "no MPS here"; fi; stop_mps ;;
        ours) search ours 2 120 "$output/versus-ours" ;;
        ours-mps) if start_mps; then search ours 8 120 "$output/versus-ours-mps"; fi; stop_mps ;;
        guide) search ray_tune 8 200 "$output/versus-guide" ;;
        *) echo "no stage $name" && exit 2 ;;
    esac
done
