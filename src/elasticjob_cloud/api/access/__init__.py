"""Who may call, and what a caller may see: logins, tokens, roles, own user, proxies, browsers."""
