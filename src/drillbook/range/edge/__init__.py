"""The edge: users come here and are given the deployment that their environment's alias names."""
