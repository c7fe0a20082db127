"""The artifacts that steps of several pipelines share."""

from pipelines.declarations.step import Artifact

DATASET = Artifact("dataset", "Dataset", "datasets/ranking.parquet")
RANKER = Artifact("ranker", "Model", "build/ranker")
EVALUATION = Artifact("evaluation", "Artifact", "build/evaluation")
VERDICT = Artifact("verdict", "Artifact", "build/verdict")
VALIDATION = Artifact("validation", "Artifact", "build/validation")
CONFIGURATION = Artifact("configuration", "Artifact", "build/configuration")
PARITY = Artifact("parity", "Artifact", "build/parity")
DAY = Artifact("daily_report", "Artifact", "build/daily_report")
DAY_FILES = Artifact("day_files", "Dataset", "build/day_files")
STATISTICS = Artifact("statistics", "Artifact", "build/statistics")
