function __xmppctl_should_offer_completions_for_flags_or_options -a expected_commands
    set -l non_repeating_flags_or_options $argv[2..]
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __xmppctl_parse_tokens
    test "$commands" = "$expected_commands"; and return $non_repeating_flags_or_options_absent
end

function __xmppctl_should_offer_completions_for_positional -a expected_commands positional_index_comparison expected_positional_index
    set -l non_repeating_flags_or_options
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __xmppctl_parse_tokens
    test "$commands" = "$expected_commands" -a \( "$positional_index" "$positional_index_comparison" "$expected_positional_index" \)
end

function __xmppctl_parse_tokens -S
    set -l unparsed_tokens (__xmppctl_tokens -pc)
    switch $unparsed_tokens[1]
    case 'xmppctl'
        __xmppctl_parse_subcommand 0 'version' 'h/help'
        switch $unparsed_tokens[1]
        case 'start'
            __xmppctl_parse_subcommand 0 'f/foreground' 'c/config=' 'log=' 'socket=' 'timeout=' 'version' 'h/help'
        case 'stop'
            __xmppctl_parse_subcommand 0 'socket=' 'timeout=' 'json' 'version' 'h/help'
        case 'restart'
            __xmppctl_parse_subcommand 0 'rolling' 'master' 'socket=' 'timeout=' 'json' 'version' 'h/help'
        case 'status'
            __xmppctl_parse_subcommand 0 'socket=' 'timeout=' 'json' 'version' 'h/help'
        case 'reload'
            __xmppctl_parse_subcommand 0 'dry-run' 'socket=' 'timeout=' 'json' 'version' 'h/help'
        case 'log-level'
            __xmppctl_parse_subcommand 1 'socket=' 'timeout=' 'json' 'version' 'h/help'
        case 'version'
            __xmppctl_parse_subcommand 0 'socket=' 'timeout=' 'json' 'version' 'h/help'
        case 'account'
            __xmppctl_parse_subcommand 0 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'add'
                __xmppctl_parse_subcommand 1 'password=' 'socket=' 'timeout=' 'json' 'version' 'h/help'
            case 'remove'
                __xmppctl_parse_subcommand 1 'socket=' 'timeout=' 'json' 'version' 'h/help'
            case 'passwd'
                __xmppctl_parse_subcommand 1 'password=' 'socket=' 'timeout=' 'json' 'version' 'h/help'
            case 'exists'
                __xmppctl_parse_subcommand 1 'socket=' 'timeout=' 'json' 'version' 'h/help'
            case 'list'
                __xmppctl_parse_subcommand 1 'after=' 'limit=' 'socket=' 'timeout=' 'json' 'version' 'h/help'
            case 'count'
                __xmppctl_parse_subcommand 1 'socket=' 'timeout=' 'json' 'version' 'h/help'
            end
        case 'session'
            __xmppctl_parse_subcommand 0 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'list'
                __xmppctl_parse_subcommand 1 'domain=' 'limit=' 'socket=' 'timeout=' 'json' 'version' 'h/help'
            case 'count'
                __xmppctl_parse_subcommand 1 'socket=' 'timeout=' 'json' 'version' 'h/help'
            case 'kick'
                __xmppctl_parse_subcommand 1 'reason=' 'socket=' 'timeout=' 'json' 'version' 'h/help'
            end
        case 'component'
            __xmppctl_parse_subcommand 0 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'list'
                __xmppctl_parse_subcommand 0 'socket=' 'timeout=' 'json' 'version' 'h/help'
            case 'kick'
                __xmppctl_parse_subcommand 1 'reason=' 'socket=' 'timeout=' 'json' 'version' 'h/help'
            end
        case 'setup'
            __xmppctl_parse_subcommand 0 'domain=' 'admin=' 'certificate=' 'key=' 'file=' 'nameserver=' 'force' 'socket=' 'timeout=' 'version' 'h/help'
        case 'config'
            __xmppctl_parse_subcommand 0 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'check'
                __xmppctl_parse_subcommand 1 'version' 'h/help'
            case 'show'
                __xmppctl_parse_subcommand 1 'socket=' 'timeout=' 'json' 'version' 'h/help'
            case 'options'
                __xmppctl_parse_subcommand 1 'json' 'version' 'h/help'
            case 'import'
                __xmppctl_parse_subcommand 1 'json' 'version' 'h/help'
            end
        case 'completion'
            __xmppctl_parse_subcommand 1 'version' 'h/help'
        case 'help'
            __xmppctl_parse_subcommand -r 1 'version'
        end
    end
end

function __xmppctl_tokens
    if test (string split -m 1 -f 1 -- . "$FISH_VERSION") -gt 3
        commandline --tokens-raw $argv
    else
        commandline -o $argv
    end
end

function __xmppctl_parse_subcommand -S -a positional_count
    argparse -s r -- $argv
    set -l option_specs $argv[2..]
    set -l is_repeating_positional $_flag_r
    set -el _flag_r
    set -a commands $unparsed_tokens[1]
    set positional_index 0
    while true
        set -e unparsed_tokens[1]
        argparse -sn "$commands" $option_specs -- $unparsed_tokens 2> /dev/null
        set unparsed_tokens $argv
        set positional_index (math $positional_index + 1)
        for non_repeating_flag_or_option in $non_repeating_flags_or_options
            if set -ql "_flag_$(string replace -a - _ -- $non_repeating_flag_or_option)"
                set non_repeating_flags_or_options_absent 1
                break
            end
        end
        test (count $unparsed_tokens) -eq 0 -o \( -z "$is_repeating_positional" -a "$positional_index" -gt "$positional_count" \) && break
    end
end

function __xmppctl_complete_directories
    set -l token (commandline -t)
    string match -- '*/' $token
    set -l subdirs $token*/
    printf %s\n $subdirs
end

function __xmppctl_custom_completion
    set -x SAP_SHELL fish
    set -x SAP_SHELL_VERSION $FISH_VERSION
    set -l tokens (__xmppctl_tokens -p)
    if test -z "$(__xmppctl_tokens -t)"
        set -l index (count (__xmppctl_tokens -pc))
        set tokens $tokens[..$index] \'\' $tokens[(math $index + 1)..]
    end
    command $tokens[1] $argv $tokens
end

complete -c 'xmppctl' -f
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'start' -d 'Start the server.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'stop' -d 'Stop the server: end every stream in order, then leave.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'restart' -d 'Stop the server and start it again, or replace it while it serves.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'status' -d 'Show the master, its workers, the listeners and the connections to other services.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'reload' -d 'Read the configuration again and put it in force.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'log-level' -d 'Show or set how much is logged, until the next start or reload.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'version' -d 'Show the versions of this program and of the running server.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'account' -d 'Create, delete and list accounts, change passwords.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'session' -d 'List, count and close the sessions of logged-in clients.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'component' -d 'List and close the connections of external components.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'setup' -d 'Write a configuration for a domain, and help with the first steps.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'config' -d 'Judge and explain configurations.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'completion' -d 'Print the completion script of a shell.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl" -eq 1' -fa 'help' -d 'Show subcommand help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl start" f foreground' -l 'foreground' -s 'f' -d 'Stay in the foreground and log to standard error.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl start" c config' -l 'config' -s 'c' -d 'The configuration file (default: /etc/xmppd/xmppd.toml).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl start" log' -l 'log' -d 'Append the log to this file; without it, a server in the background does not log.' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl start" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl start" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl start" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl start" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl stop" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl stop" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl stop" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl stop" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl stop" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl restart" rolling' -l 'rolling' -d 'Replace one worker after the other, then the master.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl restart" master' -l 'master' -d 'Execute the master\'s program anew; workers and clients do not notice.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl restart" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl restart" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl restart" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl restart" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl restart" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl status" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl status" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl status" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl status" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl status" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl reload" dry-run' -l 'dry-run' -d 'Say what would change, and whether it could; change nothing.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl reload" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl reload" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl reload" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl reload" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl reload" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl log-level" -eq 1' -fka 'none emergency alert critical error warning notice info debug all'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl log-level" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl log-level" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl log-level" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl log-level" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl log-level" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl version" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl version" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl version" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl version" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl version" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl account" -eq 1' -fa 'add' -d 'Create an account.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl account" -eq 1' -fa 'remove' -d 'Delete an account with everything it owns, and close its sessions.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl account" -eq 1' -fa 'passwd' -d 'Change the password of an account.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl account" -eq 1' -fa 'exists' -d 'Tell whether an account exists.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl account" -eq 1' -fa 'list' -d 'List accounts, in the order of their addresses.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl account" -eq 1' -fa 'count' -d 'Count accounts.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account add" password' -l 'password' -d 'The password. Other users of the machine can see it in the list of processes: leave it out to be asked.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account add" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account add" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account add" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account add" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account add" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account remove" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account remove" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account remove" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account remove" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account remove" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account passwd" password' -l 'password' -d 'The password. Other users of the machine can see it in the list of processes: leave it out to be asked.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account passwd" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account passwd" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account passwd" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account passwd" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account passwd" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account exists" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account exists" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account exists" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account exists" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account exists" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account list" after' -l 'after' -d 'Only the accounts that follow this one.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account list" limit' -l 'limit' -d 'At most so many.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account list" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account list" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account list" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account list" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account list" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account count" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account count" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account count" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account count" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl account count" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl session" -eq 1' -fa 'list' -d 'List the sessions of all workers.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl session" -eq 1' -fa 'count' -d 'Count the sessions of all workers.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl session" -eq 1' -fa 'kick' -d 'Close a session, or all sessions of an account.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session list" domain' -l 'domain' -d 'Only the sessions of this domain.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session list" limit' -l 'limit' -d 'At most so many.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session list" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session list" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session list" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session list" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session list" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session count" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session count" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session count" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session count" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session count" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session kick" reason' -l 'reason' -d 'A text that the client is told.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session kick" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session kick" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session kick" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session kick" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl session kick" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl component" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl component" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl component" -eq 1' -fa 'list' -d 'List the domains that external components serve.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl component" -eq 1' -fa 'kick' -d 'Close the connection of an external component.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl component list" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl component list" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl component list" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl component list" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl component list" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl component kick" reason' -l 'reason' -d 'A text that the component is told.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl component kick" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl component kick" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl component kick" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl component kick" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl component kick" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl setup" domain' -l 'domain' -d 'The domain of the addresses.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl setup" admin' -l 'admin' -d 'The name of the administrator\'s account.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl setup" certificate' -l 'certificate' -d 'Certificates in PEM (default: /etc/xmppd/cert.pem).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl setup" key' -l 'key' -d 'Their private key in PEM (default: /etc/xmppd/key.pem).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl setup" file' -l 'file' -d 'The file to write (default: /etc/xmppd/xmppd.toml).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl setup" nameserver' -l 'nameserver' -d 'Ask this IPv4 address, with or without :port, for records.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl setup" force' -l 'force' -d 'Replace a file that somebody has edited.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl setup" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl setup" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl setup" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl setup" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl config" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl config" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl config" -eq 1' -fa 'check' -d 'Check a configuration file without starting anything.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl config" -eq 1' -fa 'show' -d 'Show what holds of every option, and where it comes from.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl config" -eq 1' -fa 'options' -d 'List the options that a configuration file may have.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl config" -eq 1' -fa 'import' -d 'Report what a mongooseim.toml comes to here.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl config check" -eq 1' -F
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl config check" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl config check" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl config show" -eq 1' -F
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl config show" socket' -l 'socket' -d 'The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or /run/xmppd/control.sock).' -rF
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl config show" timeout' -l 'timeout' -d 'How long to wait for the server.' -rfka ''
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl config show" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl config show" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl config show" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl config options" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl config options" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl config options" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl config import" -eq 1' -F
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl config import" json' -l 'json' -d 'Print the result as JSON.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl config import" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl config import" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_positional "xmppctl completion" -eq 1' -fka 'bash zsh fish'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl completion" version' -l 'version' -d 'Show the version.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl completion" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'xmppctl' -n '__xmppctl_should_offer_completions_for_flags_or_options "xmppctl help" version' -l 'version' -d 'Show the version.'
