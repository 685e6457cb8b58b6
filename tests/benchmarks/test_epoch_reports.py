import json

from benchmarks.epoch_reports import epoch_reports


def test_epoch_reports_of_trials_are_read(tmp_path):
    folder = tmp_path / "ray" / "00003-abc"
    folder.mkdir(parents=True)
    lines = [{"epoch": 1, "val_accuracy": 0.5, "epoch_seconds": 2.0}, {"reason": "diverged"}]
    (folder / "result.json").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert list(epoch_reports(tmp_path)) == [(3, lines[0])]
