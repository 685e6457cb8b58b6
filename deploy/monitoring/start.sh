#!/usr/bin/env bash
# Starts Prometheus, and Grafana if it is installed, for the searches on this machine. Both listen
# on loopback only and stop with Ctrl-C. Called by `make monitoring`, see docs/how-to/monitoring.md.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
data=${MONITORING_DATA:-$PWD/.monitoring}
prometheus_port=${PROMETHEUS_PORT:-9090}
grafana_port=${GRAFANA_PORT:-3000}

if ! type -P prometheus > /dev/null; then
    echo "error: prometheus is not on the PATH: install it (Debian, Ubuntu: apt install prometheus)," \
        "or unpack a release from https://prometheus.io/download" >&2
    exit 1
fi
mkdir -p "$data"
trap 'trap - EXIT; kill $(jobs -p) 2> /dev/null || true; wait' EXIT
trap 'exit 130' INT TERM

# The private folder of Ray, see tune_mnist/private_folder.py.
ray=/tmp/ray-$(id -u)/ray
for place in "${TMPDIR:-}" "${RAY_TMPDIR:-}"; do
    if [ -n "$place" ] && [ -d "$place/ray-$(id -u)/ray" ]; then ray=$place/ray-$(id -u)/ray; fi
done
sed "s|RAY_OF_SEARCHES|$ray|" "$here/prometheus.yml" > "$data/prometheus.yml"

prometheus --config.file "$data/prometheus.yml" --storage.tsdb.path "$data/prometheus" \
    --web.listen-address "127.0.0.1:$prometheus_port" --log.level warn &
echo "Prometheus: http://127.0.0.1:$prometheus_port"

grafana=$(type -P grafana grafana-server | head -n 1 || true)
if [ -n "$grafana" ]; then
    server=$([ "$(basename "$grafana")" = grafana ] && echo server || true)
    PROMETHEUS_URL="http://127.0.0.1:$prometheus_port" \
    TUNE_MNIST_DASHBOARDS="$here/grafana/dashboards" RAY_OF_SEARCHES="$ray" \
    GF_SERVER_HTTP_ADDR=127.0.0.1 GF_SERVER_HTTP_PORT="$grafana_port" \
    GF_PATHS_DATA="$data/grafana" GF_PATHS_LOGS="$data/grafana/log" \
    GF_PATHS_PROVISIONING="$here/grafana/provisioning" \
    GF_AUTH_ANONYMOUS_ENABLED=true GF_AUTH_ANONYMOUS_ORG_ROLE=Viewer \
    GF_AUTH_DISABLE_LOGIN_FORM=true GF_AUTH_BASIC_ENABLED=false \
    GF_SECURITY_ALLOW_EMBEDDING=true GF_ANALYTICS_REPORTING_ENABLED=false \
    GF_ANALYTICS_CHECK_FOR_UPDATES=false GF_LOG_LEVEL=warn \
        "$grafana" $server --homepath "${GRAFANA_HOME:-/usr/share/grafana}" &
    echo "Grafana:    http://127.0.0.1:$grafana_port/d/tune-mnist"
else
    echo "Grafana is not on the PATH: only Prometheus is started. To use another Grafana, import" \
        "$here/grafana/dashboards/tune_mnist.json"
fi
[ -e "$ray/prom_metrics_service_discovery.json" ] ||
    echo "No search has run on this machine yet: metrics appear when a search starts."
# If one of the two ends, for example because its port is taken, the exit trap stops the other.
wait -n
