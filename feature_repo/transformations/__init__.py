"""From events to feature rows: DuckDB SQL in two layers, and the runner."""
