# Completion of fmake for fish: options, targets of the makefile, files.

function __fmake_targets
    set -l words (commandline -opc)
    set -l where
    for i in (seq 2 (count $words))
        if contains -- $words[$i] -C -f; and test (math $i + 1) -le (count $words)
            set -a where $words[$i] $words[(math $i + 1)]
        end
    end
    $words[1] $where --tracefs=off --print-targets 2>/dev/null
end

complete -c fmake -f -a '(__fmake_targets)'
complete -c fmake -l explain -x -a '(__fmake_targets)' -d 'Say why a file would be made again'
complete -c fmake -l explain-miss -x -a '(__fmake_targets)' -d 'Say why the cache has nothing for a target'
complete -c fmake -l json -d 'Answer as JSON'
complete -c fmake -l verify -d 'Build, then run each recipe again and say what differs'
complete -c fmake -l lint -d 'Hold the makefiles against what recipes do'
complete -c fmake -l label -x -d 'Keep the libraries of what is made as a label'
complete -c fmake -l report -r -F -d 'Write a page about the build'
complete -c fmake -l profile -r -F -d 'Write what took time'
complete -c fmake -l graph -r -F -d 'Draw the graph, or write it for Graphviz'
complete -c fmake -l compile-commands -F -d 'Write the compilation database'
complete -c fmake -l print-targets -d 'List the targets'
complete -c fmake -l tasks -d 'List the documented targets'
complete -c fmake -l progress -d 'Show how far the build is'
complete -c fmake -l order -x -a 'auto serial' -d 'Order of the output of parallel jobs'
complete -c fmake -l tracefs -x -a 'auto off require' -d 'Whether recipes are traced'
complete -c fmake -l cache -x -a 'on off readonly' -d 'How the cache is used'
complete -c fmake -l cache-dir -x -a '(__fish_complete_directories)' -d 'Where the cache is'
complete -c fmake -l remote-cache -x -d 'Take results from this server, and give it new ones'
complete -c fmake -l remote-cache-mode -x -a 'readwrite read write' -d 'What the remote cache is for'
complete -c fmake -l remote-wait -x -d 'How long to wait for what is on its way there'
complete -c fmake -l remote-exec -x -d 'Run recipes on other machines, by this server'
complete -c fmake -l remote-exec-timeout -x -d 'How long a recipe may run there'
complete -c fmake -l remote-system -x -a 'image ship' -d 'Whose system they find there'
complete -c fmake -l remote-image -x -d 'The container image that recipes run in there'
complete -c fmake -l remote-platform -x -d 'What a machine there has to be like'
complete -c fmake -l remote-token-file -r -F -d 'What lets us in there'
complete -c fmake -l remote-ca -r -F -d 'Who the server has to be certified by'
complete -c fmake -l remote-cert -r -F -d 'By which certificate it knows us'
complete -c fmake -l remote-key -r -F -d 'The key of that'
complete -c fmake -l canonical-root -x -a '(__fish_complete_directories)' -d 'Where the project is shown'
complete -c fmake -l system -x -a 'trace fingerprint' -d 'How files of the system count'
complete -c fmake -l reuse -x -a 'on off' -d 'Repeat programs of a recipe that do the same'
complete -c fmake -l env -x -a 'auto all' -d 'Which environment variables count'
complete -c fmake -l cache-stats -d 'Say what is in the cache'
complete -c fmake -l cache-verify -d 'Read all of the cache'
complete -c fmake -l cache-gc -d 'Make the cache smaller'
complete -c fmake -s B -l always-make -d 'Make all targets'
complete -c fmake -s C -l directory -x -a '(__fish_complete_directories)' -d 'Change to a directory'
complete -c fmake -s f -l file -r -F -d 'Read a makefile'
complete -c fmake -s i -l ignore-errors -d 'Ignore errors'
complete -c fmake -s j -l jobs -x -d 'How many jobs at once'
complete -c fmake -s k -l keep-going -d 'Go on after errors'
complete -c fmake -s n -l just-print -d 'Run nothing'
complete -c fmake -s q -l question -d 'Only tell by the exit status'
complete -c fmake -s s -l silent -d 'Print no recipes'
complete -c fmake -s t -l touch -d 'Touch targets'
complete -c fmake -l trace -d 'Print what is made and why'
complete -c fmake -l help -d 'Print help'
complete -c fmake -l version -d 'Print the version'
