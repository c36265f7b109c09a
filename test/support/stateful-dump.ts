/** What `iptables-save` prints of a host that lets in ssh alone, and what belongs to it. */
export const STATEFUL = `*filter
:INPUT DROP [0:0]
-A INPUT -m state --state ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT
COMMIT
`
