# Marks prompts, commands and exit statuses in an interactive shell, so that a recording can be
# read command by command. Source: the OSC 133 "semantic prompt" sequences (A, B, C, D).
#   D;<status>      the command that ran has ended
#   A;cwd=<folder>  a prompt begins        B  the prompt has ended, typing begins
#   C               a command has been entered, its output begins

case $- in *i*) ;; *) return 0 ;; esac
[ -n "${BASH_VERSION-}" ] || return 0
[ "${TERM-dumb}" != dumb ] || return 0
[ -z "${__range_marks-}" ] || return 0

__range_marks=1
__range_ran=

__range_prompt() {
    local status=$? folder=${PWD//[^[:print:]]/?}
    [ -z "$__range_ran" ] || printf '\e]133;D;%s\a' "$status"
    __range_ran=
    printf '\e]133;A;cwd=%s\a' "${folder//;/?}"
    # A personal ~/.bashrc may have replaced PS1 or PS0 since the last prompt.
    case $PS1 in *'133;B'*) ;; *) PS1+='\[\e]133;B\a\]' ;; esac
    case $PS0 in *'133;C'*) ;; *) PS0+='${__range_ran:$((__range_ran=1,0)):0}\e]133;C\a' ;; esac
}

PS0=
PS1='\[\e[1;32m\]\u@\h\[\e[0m\]:\[\e[1;34m\]\w\[\e[0m\]\$ '
PROMPT_COMMAND=(__range_prompt "${PROMPT_COMMAND[@]}")

if [ -r /usr/share/bash-completion/bash_completion ] && ! shopt -oq posix; then
    . /usr/share/bash-completion/bash_completion
fi
