using System.Text.RegularExpressions;
using LoraOps.Adapters;
using LoraOps.Problems;

namespace LoraOps.Onnx.AdapterFiles;

/// <summary>
/// One way to call the inputs that an adapter overrides. <see cref="InputName"/> and <see cref="Parse"/> are inverses: a name that could not
/// be told back is not given.
/// </summary>
public sealed partial class NameDialect
{
    private const string LoraPart = "lora_";
    private readonly (string Part, string Suffix)[] _suffixes;
    private readonly bool _shortensAttention;

    internal NameDialect(string name, string description, bool shortensAttention, params (string Part, string Suffix)[] suffixes)
    {
        Name = name;
        Description = description;
        _shortensAttention = shortensAttention;
        _suffixes = suffixes;
    }

    /// <summary>What the command line calls it.</summary>
    public string Name { get; }

    /// <summary>Who writes such names.</summary>
    public string Description { get; }

    /// <summary>The input of one part of a module.</summary>
    /// <param name="module">The module, by its dotted name in the base model.</param>
    /// <param name="part">
    /// <c>lora_A</c>, <c>lora_B</c>, <c>lora_embedding_A</c>, <c>lora_embedding_B</c>, <c>lora_g</c>, or the name of one of the module's own
    /// parameters: <c>weight</c>, <c>bias</c>.
    /// </param>
    /// <exception cref="LoraOpsException">The dialect has no name for it that would be told back.</exception>
    public string InputName(ModuleName module, string part)
    {
        var suffix = Array.Find(_suffixes, pair => pair.Part == part).Suffix ?? $".{part}";
        var name = (_shortensAttention ? LongAttention().Replace(module.Value, ".attn") : module.Value) + suffix;
        return Parse(name) == (module, part)
            ? name
            : throw new LoraOpsException(AdapterNameProblems.NotSayable(Name, module.Value, part, name));
    }

    /// <summary>The module and its part that an input is of, or null if the dialect would not call it so.</summary>
    public (ModuleName Module, string Part)? Parse(string input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var (part, suffix) = Array.Find(_suffixes, pair => input.EndsWith(pair.Suffix, StringComparison.Ordinal));
        if (part is null)
        {
            var dot = input.LastIndexOf('.');
            (part, suffix) = (input[(dot + 1)..], input[Math.Max(0, dot)..]);
        }

        var module = input[..^suffix.Length];
        if (part.Length == 0 || module.Split('.').Any(segment => segment.Length == 0 || segment.StartsWith(LoraPart, StringComparison.Ordinal)))
            return null;

        // An adapter's own parts have the suffixes above and no other.
        if (part.StartsWith(LoraPart, StringComparison.Ordinal) && !Array.Exists(_suffixes, pair => pair.Part == part && pair.Suffix == suffix))
            return null;

        if (!_shortensAttention)
            return (new ModuleName(module), part);

        return LongAttention().IsMatch(module) ? null : (new ModuleName(ShortAttention().Replace(module, ".self_attn")), part);
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    // Only there: GPT-2's h.0.attn and a ViT's blocks.0.attn are really called so.
    [GeneratedRegex(@"(?<=(^|\.)layers\.[0-9]+)\.self_attn(?=\.|$)")]
    private static partial Regex LongAttention();

    [GeneratedRegex(@"(?<=(^|\.)layers\.[0-9]+)\.attn(?=\.|$)")]
    private static partial Regex ShortAttention();
}
