"""Historical feature values: point-in-time joins over Parquet files."""
