"""When it happens: steps by hand, on a schedule, in Kubeflow; the command line and the client."""
