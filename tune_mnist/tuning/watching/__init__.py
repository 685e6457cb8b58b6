"""Live progress of a search: terminal, dashboard, Prometheus, TensorBoard, MLflow."""
