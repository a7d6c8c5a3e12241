"""The pages: what a counselor reads before a meeting. `ews_serve.web.frame` tells how a page is made."""
