# Process 1 of a container: starts and ends httpd as its owner says on standard input, and ends with that stream. When
# process 1 ends, the kernel ends all others of the container: so nothing outlives an owner, however it died.
# $0 token that marks our own lines on standard error, among those of httpd's error log
# $1 folder below which each configuration has a folder of its own
token=$0 root=$1
say() { printf '%s %s\n' "$token" "$*" >&2; }

# Removes a folder of a configuration, and what its programs left where else they may write. Root without its
# capabilities may not enter other users' folders, but may take them over; there are such ones seldom.
remove() {
    rm -rf "$1" /tmp/* /tmp/.[!.]* /dev/shm/* /dev/shm/.[!.]* 2>/dev/null && return
    take_over "$1" /tmp/* /tmp/.[!.]* /dev/shm/* /dev/shm/.[!.]*
    rm -rf "$1" /tmp/* /tmp/.[!.]* /dev/shm/* /dev/shm/.[!.]*
}
take_over() {
    for one; do
        if [ -d "$one" ] && [ ! -L "$one" ]; then
            chown 0 "$one" && chmod 700 "$one"
            (take_over "$one"/* "$one"/.[!.]*)
        fi
    done
}

say keeper here
while read -r command folder argument httpd; do
    case $command in
    start) # $argument: -DFOREGROUND or -X or -t
        {
            ulimit -c "$(ulimit -H -c)" # where cores go, and whether there are any, the configuration says
            "$httpd" -d "$root/$folder" -f "$root/$folder/httpd.conf" $argument
            say ended "$folder" $?
        } &
        ;;
    empty) # before other files come into the folder of a running httpd
        rm -rf "${root:?}/$folder/sites" "${root:?}/$folder/tls" "${root:?}/$folder/pki"
        say emptied "$folder"
        ;;
    reload)
        read -r pid <"$root/$folder/logs/httpd.pid" && kill -HUP "$pid"
        ;;
    look) # $argument: what to answer with
        say processes "$argument" $(cat /proc/[0-9]*/stat 2>/dev/null)
        say connections "$argument" $(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null)
        ;;
    clear) # ends every process but this one, and removes all that is left
        kill -KILL -1 2>/dev/null
        while kill -0 -1 2>/dev/null; do sleep 0.001; done
        remove "${root:?}/$folder"
        say cleared "$folder"
        ;;
    esac
done
