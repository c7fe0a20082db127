"""Where candidates come from.  Every index is an artifact: `fit · save · load · search`."""
