cat > /etc/nftables.conf <<END
table inet gate
delete table inet gate
table inet gate {
    chain input {
        type filter hook input priority 0; policy accept;
        iifname "lo" accept
        tcp dport { {{ loads_port }}, {{ weights_port }}, {{ drive_port }} } reject with tcp reset
    }
}
END
nft -f /etc/nftables.conf
