using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Options;

/// <summary>Values that the user may give a name: <c>NAME=FILE</c>.</summary>
internal static class NamedText
{
    /// <summary>Takes a text apart; a file that is called so, equals sign and all, has no name.</summary>
    public static NamedValue Split(string text) =>
        !Path.Exists(text) && text.Split('=', 2) is [{ Length: > 0 } name, { Length: > 0 } value] ? new NamedValue(name, value) : new NamedValue("", text);
}
