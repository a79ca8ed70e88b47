# The tools that act are offered to nobody.
cd /srv/mate
sed -i '/"reset_password": Tool/s/("staff",)/()/; /"send_message": Tool/s/("staff",)/()/' tools.py
next restart
