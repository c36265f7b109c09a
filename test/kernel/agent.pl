# Sends packets inside one network namespace: reads (port, length, bytes) on stdin, answers commands on stdout.
# Arguments name the ports: packet:IFACE sends whole frames there, raw4:IFACE and raw6:IFACE send as the host itself.
# perl-base alone has to do, so constants of Linux stand as numbers: it has no module that knows AF_PACKET.
use strict;
use warnings;
binmode STDIN;
$| = 1;

my ($PACKET, $INET, $INET6, $RAW, $SOL_SOCKET, $BIND_TO_DEVICE) = (17, 2, 10, 3, 1, 25);
my ($COUNTERS, $DONE) = (254, 255);

my @ports = map {
    my ($kind, $name) = split /:/, $_, 2;
    my $family = $kind eq 'packet' ? $PACKET : $kind eq 'raw4' ? $INET : $INET6;
    # A packet socket of protocol 0 receives nothing.
    socket(my $socket, $family, $RAW, $family == $PACKET ? 0 : 255) or die "socket $_: $!\n";
    my $to;
    if ($family == $PACKET) {
        my $request = pack 'a16 x24', $name;
        ioctl($socket, 0x8933, $request) or die "no interface $name: $!\n";
        $to = pack 'S n i S C C a8', $PACKET, 0x0800, unpack('x16 i', $request), 0, 0, 6, "\0" x 8;
    } else {
        setsockopt($socket, $SOL_SOCKET, $BIND_TO_DEVICE, pack('a16', $name)) or die "bind $_: $!\n";
    }
    { family => $family, socket => $socket, to => $to }
} @ARGV;
print "ready\n";

while (read(STDIN, my $head, 3) == 3) {
    my ($port, $length) = unpack 'C n', $head;
    if ($port == $DONE) { print "done\n"; next }
    if ($port == $COUNTERS) { print join(' ', received()), "\n"; next }
    read(STDIN, my $bytes, $length) == $length or die "cut short\n";
    my $at = $ports[$port] or die "no port $port\n";
    my $to = $at->{to};
    $to = pack 'S n a4 x8', $INET, 0, substr($bytes, 16, 4) if $at->{family} == $INET;
    $to = pack 'S n N a16 L', $INET6, 0, 0, substr($bytes, 24, 16), 0 if $at->{family} == $INET6;
    # A packet that rules drop on its way out is an error here, and nothing to complain about.
    send($at->{socket}, $bytes, 0, $to);
}

# How many packets of either family the namespace has taken in.
sub received {
    my ($v4, $v6) = (0, 0);
    open my $snmp, '<', '/proc/net/snmp' or die "snmp: $!\n";
    while (<$snmp>) { $v4 = $1 if /^Ip: \d+ \d+ (\d+)/ }
    open my $snmp6, '<', '/proc/net/snmp6' or die "snmp6: $!\n";
    while (<$snmp6>) { $v6 = $1 if /^Ip6InReceives\s+(\d+)/ }
    return ($v4, $v6);
}
