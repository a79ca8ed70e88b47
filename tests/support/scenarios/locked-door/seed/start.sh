#!/bin/sh
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
mkdir -p /run/sshd
echo "keeper:$(cat /srv/keeper.password)" | chpasswd
/usr/sbin/sshd -o UsePAM=no -o Banner=/etc/issue.net
exec sleep infinity
