/** The command line asks for something that does not exist or contradicts itself. Ends the program with code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** The command whose help explains it; absent when there is none yet. */
  readonly command: string | undefined;

  constructor(message: string, command?: string) {
    super(message);
    this.command = command;
  }
}
