#!/bin/sh
# Builds PCRE2, APR and httpd into /usr/local/apache2, with what the libraries at hand allow, and leaves nothing else.
set -eu
export DEBIAN_FRONTEND=noninteractive
prefix=$HTTPD_PREFIX
tools="gcc make libc6-dev libssl-dev libexpat1-dev zlib1g-dev libnghttp2-dev libbrotli-dev"

apt-get update
kept=$(apt-mark showmanual)
# shellcheck disable=SC2086 # a word a package
apt-get install --yes --no-install-recommends $tools

mkdir -p /tmp/build/sources
cd /tmp/build/sources
tar -xzf /tmp/build/mod_wsgi*.tar.gz --strip-components=1
cd upstream
for archive in *.tar.gz; do tar -xzf "$archive"; done
mv apr-util-[0-9]*[0-9] "$(echo httpd-[0-9]*[0-9])/srclib/apr-util"
mv apr-[0-9]*[0-9] "$(echo httpd-[0-9]*[0-9])/srclib/apr"
jobs=$(nproc)

(cd pcre2-[0-9]*[0-9] && ./configure --quiet --prefix="$prefix" --disable-static && make -s -j "$jobs" && make -s install)
# As the official image does: every module and every MPM as a shared object, to be loaded by name.
(cd httpd-[0-9]*[0-9] &&
    ./configure --quiet --prefix="$prefix" --with-included-apr --with-pcre="$prefix/bin/pcre2-config" \
        --enable-mods-shared=reallyall --enable-mpms-shared=all LDFLAGS="-Wl,-rpath,$prefix/lib" &&
    make -s -j "$jobs" && make -s install)
rm -rf "$prefix/man" "$prefix/manual" "$prefix/share" "$prefix/include" "$prefix/build" "$prefix"/lib/*.a "$prefix/lib/pkgconfig"
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
