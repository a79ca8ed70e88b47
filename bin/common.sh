# What the programs in bin/ share. Read with `.`, never run. POSIX sh.

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cd "$root" || exit 1
mkdir -p var/stamps var/log
offline=${offline:-}

# --- Saying what happens ----------------------------------------------------------------------

say() { printf '%s\n' "$@"; }

# die MESSAGE [WHAT TO DO]
die() {
    printf '\n%s\n' "$1" >&2
    shift
    for line in "$@"; do printf '  %s\n' "$line" >&2; done
    exit 1
}

# step TITLE COMMAND...: runs the command quietly, tells its time, shows its end when it fails.
step() {
    step_title=$1
    shift
    step_began=$(date +%s)
    printf '  %-46s ' "$step_title"
    step_log="var/log/setup-$(printf '%s' "$step_title" | tr -c 'a-zA-Z0-9\n' '-').log"
    if "$@" >"$step_log" 2>&1; then
        printf '%4d s\n' "$(($(date +%s) - step_began))"
        return 0
    fi
    printf 'failed after %d s\n\n' "$(($(date +%s) - step_began))"
    tail -n 25 "$step_log" >&2
    printf '\nThe whole output lies in %s.\n' "$step_log" >&2
    return 1
}

# --- Doing a thing once -----------------------------------------------------------------------

digest() { cat "$@" 2>/dev/null | sha256sum | cut -d ' ' -f 1; }
stamped() { [ "$(cat "var/stamps/$1" 2>/dev/null)" = "$2" ]; }
stamp() { printf '%s\n' "$2" >"var/stamps/$1"; }

# --- Rights -----------------------------------------------------------------------------------

is_root() { [ "$(id -u)" -eq 0 ]; }
may_become_root() { is_root || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; } ||
    { command -v sudo >/dev/null && [ -t 0 ]; }; }
as_root() { if is_root; then "$@"; else sudo "$@"; fi; }

# --- The interpreter --------------------------------------------------------------------------

# A shim may lie on PATH and still run nothing, so each candidate has to prove itself.
interpreter_works() {
    "$1" -c 'import sys, ssl, venv, ensurepip; sys.exit(sys.version_info < (3, 12))' \
        </dev/null >/dev/null 2>&1
}

interpreter_candidates() {
    # Most of these places do not exist, and that is no failure.
    set +e
    [ -z "${MUSTER_PYTHON:-}" ] || printf '%s\n' "$MUSTER_PYTHON"
    for version in 3.13 3.12 3.14; do
        command -v "python$version" 2>/dev/null
        ls -d "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python3 \
            "$HOME/.pyenv/versions/$version".*/bin/python3 "/usr/local/bin/python$version" \
            "/opt/python/$version"*/bin/python3 2>/dev/null
        if command -v uv >/dev/null 2>&1; then
            uv python find --no-project "$version" 2>/dev/null
        fi
    done
    command -v python3 2>/dev/null
}

find_interpreter() {
    for candidate in $(interpreter_candidates); do
        if interpreter_works "$candidate"; then
            "$candidate" -c 'import os, sys; print(os.path.realpath(sys.executable))'
            return 0
        fi
    done
    if [ -z "$offline" ] && command -v uv >/dev/null 2>&1 &&
        uv python install 3.13 >var/log/setup-uv-python.log 2>&1; then
        uv python find --no-project 3.13
        return 0
    fi
    return 1
}

no_interpreter() {
    die "Muster needs Python 3.12 or newer, and none of the interpreters found here runs." \
        "Any one of these supplies it:" \
        "  - Debian 13 or Ubuntu 24.04: apt-get install python3 python3-venv" \
        "  - uv: pip install uv, then run this again; it fetches an interpreter" \
        "  - pyenv: pyenv install 3.13" \
        "Or name one: MUSTER_PYTHON=/path/to/python3.13 $0"
}

# --- The environment --------------------------------------------------------------------------

python="$root/.venv/bin/python"

# environment base|dev: an environment that holds exactly what the hashed file names, or more.
environment() {
    wanted=$(digest "requirements/$1.txt")
    if [ -x "$python" ] && interpreter_works "$python"; then
        if stamped "environment-$1" "$wanted"; then return 0; fi
        # What tests need contains what the product needs.
        if [ "$1" = base ] && stamped environment-dev "$(digest requirements/dev.txt)"; then
            return 0
        fi
    else
        rm -rf .venv
        found=$(find_interpreter) || no_interpreter
        step "Make an environment with ${found##*/}" "$found" -m venv .venv ||
            die "The environment cannot be made." \
                "On Debian and Ubuntu: apt-get install python3-venv"
    fi
    step "Install Python packages" install_packages "$1" ||
        die "The Python packages cannot be installed." \
            "Check the network and pip's settings, then run this again; it goes on from here." \
            "Without a network: MUSTER_WHEELS=/folder/of/wheels $0 --offline"
    stamp "environment-$1" "$wanted"
}

install_packages() {
    if [ -n "$offline" ]; then
        "$python" -m pip install --require-hashes --no-index \
            --find-links "${MUSTER_WHEELS:-var/wheels}" -r "requirements/$1.txt"
        return
    fi
    # uv installs the same hashed set several times faster; pip does where uv cannot.
    if "$python" -m pip install --quiet --require-hashes -r requirements/uv.txt &&
        .venv/bin/uv pip install --python "$python" --compile-bytecode --require-hashes -r "requirements/$1.txt"; then
        return 0
    fi
    "$python" -m pip install --require-hashes -r "requirements/$1.txt"
}

# --- Front-end packages -----------------------------------------------------------------------

vendor() {
    wanted=$(digest package-lock.json bin/vendor)
    if [ -d static/vendor ] && stamped vendor "$wanted"; then return 0; fi
    step "Fetch front-end packages" bin/vendor ||
        die "The front-end packages cannot be fetched." \
            "Check the network and npm's settings, then run this again." \
            "Without a network: copy static/vendor from a machine that has it."
    stamp vendor "$wanted"
}

# --- The container engine ---------------------------------------------------------------------

engine_answers() {
    [ -n "${DOCKER_HOST:-}" ] || [ -S /var/run/docker.sock ] || return 1
    as_root_if_needed curl --silent --fail --max-time 5 --unix-socket /var/run/docker.sock \
        http://localhost/_ping >/dev/null 2>&1 ||
        as_root_if_needed docker version >/dev/null 2>&1
}

as_root_if_needed() {
    if is_root || [ -w /var/run/docker.sock ]; then "$@"; else sudo -n "$@"; fi
}

is_debian() { command -v apt-get >/dev/null && [ -r /etc/debian_version ]; }

no_engine() {
    die "$1" \
        "Muster runs its sandboxes on Docker Engine 20.10 or newer. Install and start it:" \
        "  - Debian, Ubuntu: sudo apt-get install docker.io mmdebstrap && sudo systemctl start docker" \
        "  - Fedora: sudo dnf install moby-engine && sudo systemctl start docker" \
        "  - others: see your distribution's manual" \
        "then run this again. 'docker version' must show a Server part."
}

install_engine_packages() {
    export DEBIAN_FRONTEND=noninteractive
    as_root apt-get update
    as_root apt-get install --yes --no-install-recommends "$@"
}

# The engine outlives this program: sandboxes must not end because a terminal closed.
start_engine() {
    if [ -d /run/systemd/system ]; then
        as_root systemctl enable --now docker
    else
        # live-restore keeps sandboxes running while the engine itself restarts.
        as_root sh -c 'setsid dockerd --live-restore >>/var/log/muster-dockerd.log 2>&1 </dev/null &'
    fi
    wait_for_engine
}

wait_for_engine() {
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
        engine_answers && return 0
        sleep 1
    done
    tail -n 15 /var/log/muster-dockerd.log 2>/dev/null
    return 1
}

# mmdebstrap makes the base image; iptables carries the rule that keeps sandboxes off this host.
engine() {
    missing=''
    command -v dockerd >/dev/null || PATH=$PATH:/usr/sbin command -v dockerd >/dev/null ||
        engine_answers || missing="docker.io"
    if is_debian; then
        for package in mmdebstrap iptables; do
            PATH=$PATH:/usr/sbin:/sbin command -v "$package" >/dev/null || missing="$missing $package"
        done
    fi
    if [ -n "$missing" ]; then
        is_debian && may_become_root && [ -z "$offline" ] ||
            no_engine "Missing on this machine: $missing."
        # shellcheck disable=SC2086
        step "Install $(echo $missing | sed 's/ /, /g')" install_engine_packages $missing ||
            no_engine "The packages could not be installed."
    fi
    engine_answers && return 0
    may_become_root || no_engine "The container engine does not answer, and starting it needs root."
    step "Start the container engine" start_engine ||
        no_engine "The container engine does not start; its log is /var/log/muster-dockerd.log."
}
