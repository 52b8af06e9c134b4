# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154

# What each command takes is above: arguments, then options.  A value is what it is called: a FILE,
# a DIR, a SERVER that is remembered, a MODEL or the NAME of an agent that the server has, or one of
# several words in small letters.

# The variables of _einion() that it fills: command, arguments, options.
_einion_enter() {
    local word

    command=$1 arguments=() options=()
    for word in ${_einion_commands[$command]}; do
        case $word in
        --*) options[${word%%=*}]=${word#"${word%%=*}"} ;;
        *) arguments+=("$word") ;;
        esac
    done
}

# Whoever waits for a completion does not wait for a server that is away.
_einion_ask() {
    timeout 2 einion "$@" 2>/dev/null </dev/null
}

# Names that are not ours: bash would run what one of them says in $().
_einion_plain() {
    sed '1d; s/ .*//' | grep -x '[[:alnum:]_.:/@-]*'
}

_einion_value() {
    local called=$1 current=$2 flag=-W words=

    case $called in
    'NAME|'*) words=$(_einion_ask agents --json | grep -o '"friendlyName":"[[:alnum:]_.-]*"' | cut -d '"' -f 4) ;;&
    *FILE* | SOURCE) flag=-f ;;
    *DIR*) flag=-d ;;
    *SERVER*) words=$(_einion_ask servers | _einion_plain) ;;
    *MODEL*) words=$(_einion_ask models | _einion_plain) ;;
    *[[:upper:]]*) ;;
    *) words=${called//|/ } ;;
    esac
    if [[ $flag == -W ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    else
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen "$flag" -W "$words" -- "$current")
    fi
}

_einion() {
    local current=${COMP_WORDS[COMP_CWORD]} command value='' called word key
    local -a arguments
    local -A options
    local -i seen=0

    _einion_enter einion
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ $word == = ]]; then # of --option=value, which is three words here
            continue
        elif [[ $value ]]; then
            value=''
        elif [[ $word == -* ]]; then
            value=${options[$word]-}
        elif [[ ${_einion_commands["$command $word"]+x} ]]; then
            _einion_enter "$command $word"
        else
            seen+=1
        fi
    done
    [[ $current == = ]] && current=''

    called=${arguments[seen]-}
    for key in "${!_einion_commands[@]}"; do
        word=${key#"$command "}
        [[ $seen -gt 0 || $word == "$key" ]] || called+="|${word%% *}"
    done
    [[ $current == -* ]] && called=${!options[*]}
    [[ $value ]] && called=${value#=}
    COMPREPLY=()
    _einion_value "$called" "$current"
}

complete -F _einion einion
