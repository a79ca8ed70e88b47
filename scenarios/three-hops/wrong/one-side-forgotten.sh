office=$(ip route get "$(getent hosts desk | cut -d' ' -f1)" | grep -o 'dev [a-z0-9]*' | cut -d' ' -f2)
cat > /etc/nftables.conf <<END
table inet gate
delete table inet gate
table inet gate {
    chain input {
        type filter hook input priority 0; policy accept;
        iifname "$office" tcp dport {{ drive_port }} reject with tcp reset
    }
}
END
nft -f /etc/nftables.conf
