address() { getent hosts "$1" | cut -d' ' -f1; }
cat > /etc/nftables.conf <<END
table inet gate
delete table inet gate
table inet gate {
    chain input {
        type filter hook input priority 0; policy accept;
        ct state established,related accept
        iifname "lo" accept
        tcp dport 22 accept
        ip saddr $(address desk) tcp dport { {{ loads_port }}, {{ weights_port }} } accept
        ip saddr $(address weigh) tcp dport {{ weights_port }} accept
        ip saddr $(address crane) tcp dport {{ drive_port }} accept
        meta l4proto tcp reject with tcp reset
    }
}
END
nft -f /etc/nftables.conf
