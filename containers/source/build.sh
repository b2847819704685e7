#!/bin/sh
# build.sh ARCHIVES PREFIX [DESTDIR]: builds httpd for PREFIX from the archives in a folder, and installs it below DESTDIR.
#
# ARCHIVES holds one archive of mod_wsgi-httpd, which carries httpd, APR, APR-util and PCRE, and may hold one of OpenSSL:
# then httpd is built on that one, with all that is old or weak switched on. Sources are unpacked below ARCHIVES/work. The
# result finds its libraries beside itself, so it may be moved. Flags for httpd's own compilation are in HTTPD_CPPFLAGS,
# the number of processes in JOBS. Each line that begins with `== ` tells of a step.
set -eu
archives=$(cd "$1" && pwd) prefix=$2 destination=${3-}
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN)}
work=$archives/work
# $ORIGIN would have to get through several shells; in a file of options for the linker nobody but the linker sees it. One
# path serves bin/, lib/ and modules/ alike.
rpath=-Wl,@$archives/rpath
# Without debugging information, a third of the size; -O1 takes two thirds of the time of -O2 (mod_ssl, gcc 12).
CFLAGS=-O1
export CFLAGS
step() { echo "== $*"; }

unpack() {
    mkdir -p "$work/$1"
    tar -xzf "$2" -C "$work/$1" --strip-components=1
}

step unpacking
echo '-rpath $ORIGIN/../lib' >"$archives/rpath"
mkdir -p "$work"
unpack all "$archives"/mod_wsgi*.tar.gz
# Since 2.4.62 the archives are in a folder of their own.
inner=$work/all
[ ! -d "$inner/upstream" ] || inner=$inner/upstream
unpack pcre "$inner"/pcre*.tar.gz
unpack httpd "$inner"/httpd-*.tar.gz
unpack httpd/srclib/apr "$inner"/apr-[0-9]*.tar.gz
unpack httpd/srclib/apr-util "$inner"/apr-util-*.tar.gz
rm -rf "$work/all"
set --

for archive in "$archives"/openssl*.tar.gz; do
    [ -e "$archive" ] || continue
    step "OpenSSL: compiling"
    unpack openssl-source "$archive"
    (
        cd "$work/openssl-source"
        # Built for a folder beside the sources: httpd's configure would take paths from its openssl.pc.
        ./config --prefix="$work/openssl" --openssldir="$prefix/ssl" shared no-tests \
            enable-ssl3 enable-ssl3-method enable-weak-ssl-ciphers zlib "$rpath" >configure.log
        make -s -j "$jobs"
        make -s install_sw >/dev/null
    )
    mkdir -p "$destination$prefix/lib" "$destination$prefix/bin"
    cp -P "$work"/openssl/lib/lib*.so.* "$destination$prefix/lib/"
    cp "$work/openssl/bin/openssl" "$destination$prefix/bin/"
    set -- --with-ssl="$work/openssl"
done

step "PCRE: compiling"
# Linked into httpd, which alone uses it.
(
    cd "$work/pcre"
    ./configure --quiet --prefix="$work/pcre-installed" --disable-shared --with-pic --disable-cpp
    make -s -j "$jobs"
    make -s install >/dev/null
)
pcre=$(ls "$work"/pcre-installed/bin/pcre*-config)

step "httpd: configuring"
cd "$work/httpd"
# As the official image does: every module and every MPM as a shared object, to be loaded by name.
./configure --quiet --prefix="$prefix" --with-included-apr --with-pcre="$pcre" --enable-ssl \
    --enable-mods-shared=reallyall --enable-mpms-shared=all LDFLAGS="$rpath" "$@"
step "httpd: compiling"
make -s -j "$jobs" NOTEST_CPPFLAGS="${HTTPD_CPPFLAGS:-}"
step "httpd: installing"
make -s install DESTDIR="$destination" >/dev/null
[ -e "$destination$prefix/modules/mod_ssl.so" ]
cd "$destination$prefix"
rm -rf man manual share include build lib/*.a lib/*.la lib/pkgconfig lib/*.exp bin/apxs bin/*-config
find bin lib modules -type f \( -name '*.so*' -o -path 'bin/*' \) -exec strip --strip-unneeded {} + 2>/dev/null || :
rm -rf "$work"
