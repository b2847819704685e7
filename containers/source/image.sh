#!/bin/sh
# Makes the image: installs what building needs, builds httpd into HTTPD_PREFIX, and leaves nothing else.
set -eu
export DEBIAN_FRONTEND=noninteractive
prefix=$HTTPD_PREFIX
tools="gcc make perl libc6-dev libssl-dev libexpat1-dev zlib1g-dev libnghttp2-dev libbrotli-dev"

apt-get update
kept=$(apt-mark showmanual)
# shellcheck disable=SC2086 # a word a package
apt-get install --yes --no-install-recommends $tools

sh /tmp/build/build.sh /tmp/build "$prefix"
cp /tmp/build/httpd-foreground /usr/local/bin/httpd-foreground
chmod 755 /usr/local/bin/httpd-foreground
# As the official image has it: the children's user, and the logs on the container's own output.
sed -ri -e 's/^(User|Group) .*/\1 www-data/' \
    -e 's!^(\s*CustomLog)\s+\S+!\1 /proc/self/fd/1!g' -e 's!^(\s*ErrorLog)\s+\S+!\1 /proc/self/fd/2!g' \
    "$prefix/conf/httpd.conf" "$prefix/conf/extra/httpd-ssl.conf"

# The libraries that the result is linked with stay; all else that was installed for building goes.
needed=$(find "$prefix" -type f \( -name '*.so*' -o -path '*/bin/*' \) -exec ldd {} + 2>/dev/null |
    awk '/=> \// { print $3 }' | grep -v "^$prefix/" | sort -u | xargs -r -n 1 readlink -f | xargs -r -n 1 basename |
    sort -u | sed 's!^!*/!' | xargs -r dpkg-query --search | cut -d : -f 1 | sort -u)
apt-mark auto '.*' >/dev/null
# shellcheck disable=SC2086
apt-mark manual $kept $needed >/dev/null
apt-get purge --yes --auto-remove -o APT::AutoRemove::RecommendsImportant=false \
    -o APT::AutoRemove::SuggestsImportant=false
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /tmp/build
httpd -v
