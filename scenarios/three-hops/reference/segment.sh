side() { ip route get "$(getent hosts "$1" | cut -d' ' -f1)" | grep -o 'dev [a-z0-9]*' | cut -d' ' -f2; }
office=$(side desk)
hall=$(side crane)
yard=$(ip -br link | grep -o '^eth[0-9]*' | grep -v -e "^$office$" -e "^$hall$")
cat > /etc/nftables.conf <<END
table inet gate
delete table inet gate
table inet gate {
    chain input {
        type filter hook input priority 0; policy accept;
        ct state established,related accept
        iifname "lo" accept
        iifname "$office" tcp dport { 22, {{ loads_port }}, {{ weights_port }} } accept
        iifname "$yard" tcp dport {{ weights_port }} accept
        iifname "$hall" tcp dport {{ drive_port }} accept
        meta l4proto tcp reject with tcp reset
    }
}
END
nft -f /etc/nftables.conf
