namespace LoraOps.Mixing;

/// <summary>A parameter of a mix as people write it: in a recipe, and with dashes on the command line.</summary>
/// <param name="Name">The recipe's key: <c>majority_sign_method</c>.</param>
/// <param name="Description">What it does, one sentence.</param>
/// <param name="Allowed">The values that are allowed, for messages and help.</param>
/// <param name="Apply">The settings with this value; null if the text is none of the allowed values.</param>
public sealed record MixParameter(string Name, string Description, string Allowed, Func<MixSettings, string, MixSettings?> Apply)
{
    /// <summary>What stands for the value in help: <c>D</c>, or the words that are allowed.</summary>
    public required string Placeholder { get; init; }

    /// <summary>True if giving its name alone means true.</summary>
    public bool IsFlag { get; init; }

    /// <summary>The option: <c>--majority-sign-method</c>.</summary>
    public string Option => $"--{Name.Replace('_', '-')}";
}
