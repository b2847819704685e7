"""The documentation as a site: what `mkdocs.yml` has beside the pages of docs/. `make docs` builds it."""
