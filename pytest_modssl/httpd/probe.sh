# Prints all that an installed httpd tells of itself, in sections "== NAME", in one run: inside a container every
# further command costs a round trip. POSIX sh, and only programs that a minimal image has.
# $1 is httpd's path; the rest is the command that runs it.
httpd=$1
shift
LC_ALL=C
export LC_ALL

# One run of httpd costs 13 ms, so two go side by side.
echo "== static"
"$@" -l 2>&1 &
# The compiled-in default configuration need not exist, and -V reads one: hence -f /dev/null.
settings=$("$@" -V -f /dev/null 2>&1)
wait
echo "== settings"
printf '%s\n' "$settings"
case $settings in
  *"Server version: "*) ;;
  *) exit 0 ;;
esac

# Beside the binary first: an unpacked or moved httpd still has the folder of its former home compiled in.
folder=${httpd%/*}
prefix=${folder%/*}
root=${settings#*HTTPD_ROOT=\"}
root=${root%%\"*}
modules=
for candidate in \
  "$prefix/modules" "$prefix/lib/apache2/modules" "$prefix/lib64/httpd/modules" "$prefix/lib/httpd/modules" \
  "$prefix/libexec/apache2" "$prefix/libexec/apache24" "$prefix/libexec" "$prefix/lib64/apache2" "$prefix/lib/apache2" \
  "$root/modules" /usr/lib/apache2/modules /usr/lib64/httpd/modules
do
  for file in "$candidate"/mod_*.so; do
    if [ -e "$file" ]; then
      modules=$candidate
      break 2
    fi
  done
done
echo "== folder"
echo "$modules"
echo "== modules"
if [ -n "$modules" ]; then
  for file in "$modules"/*.so; do
    echo "$file"
  done
fi

# The library that the loader really gives mod_ssl, which need not be the one it was built with.
tls_module=
if [ -n "$modules" ] && [ -e "$modules/mod_ssl.so" ]; then
  tls_module=$modules/mod_ssl.so
elif "$@" -l 2>/dev/null | grep -q 'mod_ssl\.c'; then
  tls_module=$httpd
fi
version_in() {
  found=$(grep -aoE -m1 '(OpenSSL|LibreSSL) [0-9]+\.[0-9]+\.[0-9]+[a-z]*' "$1" 2>/dev/null)
  # busybox's grep stops at the first zero byte of a line
  [ -n "$found" ] || found=$(tr -cs ' -~' '\n' <"$1" | grep -oE -m1 '(OpenSSL|LibreSSL) [0-9]+\.[0-9]+\.[0-9]+[a-z]*')
  printf '%s\n' "$found"
}
if [ -n "$tls_module" ]; then
  echo "== tls built"
  version_in "$tls_module"
  # glibc's and macOS's loaders tell what they load; musl's does not, but has ldd.
  [ "$tls_module" = "$httpd" ] || set -- "$@" -C "LoadModule ssl_module \"$tls_module\""
  trace=$(LD_DEBUG=libs DYLD_PRINT_LIBRARIES=1 "$@" -t -f /dev/null 2>&1)
  library=$(printf '%s\n' "$trace" | sed -n -e 's|^ *[0-9]*:.*calling init: *\(/.*libcrypto\..*\)$|\1|p' \
    -e 's|^dyld.* \(/.*libcrypto\..*\)$|\1|p' | tail -n 1)
  [ -n "$library" ] || library=$(ldd "$tls_module" 2>/dev/null | sed -n 's|.*=> \(/.*libcrypto\..*\) (0x.*|\1|p' | tail -n 1)
  echo "== tls library"
  printf '%s\n' "${library:-$tls_module}"
  echo "== tls loaded"
  version_in "${library:-$tls_module}"
fi

echo "== openssl program"
[ ! -x "$prefix/bin/openssl" ] || echo "$prefix/bin/openssl"

echo "== users"
cat /etc/passwd 2>/dev/null
echo "== groups"
cat /etc/group 2>/dev/null
exit 0
