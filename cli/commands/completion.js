'use strict';

const { Argument } = require('commander');

/** Completion in shells: of commands and options, from the commands themselves. */

/**
 * @param {import('commander').Command} program
 * @param {import('../program.js').Context} context
 */
function completion(program, { print }) {
  program
    .command('completion')
    .summary('prints a script that completes commands in a shell')
    .description('Prints a script that completes commands in a shell.')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      '\nFor example, with the package installed globally:\n' +
        '  bash: duroxide completion bash > ~/.local/share/bash-completion/completions/duroxide\n' +
        '  zsh:  duroxide completion zsh > ~/.zfunc/_duroxide\n' +
        '  fish: duroxide completion fish > ~/.config/fish/completions/duroxide.fish',
    )
    .action((shell) =>
      print(SCRIPTS[/** @type {keyof typeof SCRIPTS} */ (shell)](wordsOf(program))),
    );
}

/**
 * @typedef {{ name: string, summary: string, words: string[] }} Words of one command: its options and
 *   commands below it
 */

/** @param {import('commander').Command} program @returns {Words[]} */
function wordsOf(program) {
  return program.commands.map((command) => ({
    name: command.name(),
    summary: command.summary(),
    words: [
      ...command.commands.map((below) => below.name()),
      ...[command, ...command.commands].flatMap(optionsOf),
    ].filter((word, i, all) => all.indexOf(word) === i),
  }));
}

/** @param {import('commander').Command} command */
function optionsOf(command) {
  return [...command.options.map(({ long }) => long ?? ''), '--help'].filter(Boolean);
}

const SCRIPTS = {
  /** @param {Words[]} all */
  bash: (all) => `_duroxide() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words
  if [ "$COMP_CWORD" -eq 1 ]; then words="${all.map(({ name }) => name).join(' ')}"
  else case "\${COMP_WORDS[1]}" in
${all.map(({ name, words }) => `    ${name}) words="${words.join(' ')}" ;;`).join('\n')}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _duroxide duroxide
`,
  /** @param {Words[]} all */
  zsh: (all) => `#compdef duroxide
_duroxide() {
  local -a commands
  commands=(
${all.map(({ name, summary }) => `    '${name}:${summary.replaceAll("'", '')}'`).join('\n')}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  case "$words[2]" in
${all.map(({ name, words }) => `    ${name}) compadd -- ${words.join(' ')} ;;`).join('\n')}
  esac
}
compdef _duroxide duroxide
`,
  /** @param {Words[]} all */
  fish: (all) =>
    all
      .map(({ name, summary, words }) =>
        [
          `complete -c duroxide -f -n __fish_use_subcommand -a ${name} -d '${summary.replaceAll("'", '')}'`,
          `complete -c duroxide -n '__fish_seen_subcommand_from ${name}' -a '${words.join(' ')}'`,
        ].join('\n'),
      )
      .join('\n')
      .concat('\n'),
};

module.exports = { completion };
