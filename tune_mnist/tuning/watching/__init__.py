"""Who is told how the trials go: terminal, dashboard, Prometheus, TensorBoard, MLflow."""
