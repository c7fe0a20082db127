"""What we learn: dataset, artifact, verdict."""
