using LoraOps.Adapters;
using LoraOps.Merging;
using LoraOps.Mixing;
using LoraOps.Transforms;

namespace LoraOps.Recipes;

/// <summary>An adapter of a recipe that is made of others.</summary>
public sealed record RecipeMix
{
    /// <summary>The adapters that it is made of, in file order, with their weights.</summary>
    public required IReadOnlyList<AdapterSource> Of { get; init; }

    /// <summary>The method.</summary>
    public required MixMethod Method { get; init; }

    /// <summary>Its parameters.</summary>
    public required MixSettings Settings { get; init; }

    /// <summary>The parameters that the recipe gives, with their values as written.</summary>
    public required IReadOnlyList<KeyValuePair<string, string>> Given { get; init; }

    /// <summary>The adapter whose saved modules are taken as they are, or null.</summary>
    public string? Keep { get; init; }

    /// <summary>Method, weights and parameters in one line, for people and as a part of cache keys.</summary>
    public string Spelling =>
        string.Join(' ', Given.Select(pair => $"{pair.Key}={pair.Value}").Prepend(Method.Name).Concat(Keep is null ? [] : [$"keep={Keep}"]));

    /// <summary>The mix of adapters that were read.</summary>
    /// <param name="adapters">The adapters of <see cref="Of"/>.</param>
    /// <param name="weights">The base's checkpoint, or null.</param>
    /// <param name="output">The folder of the new adapter.</param>
    internal MixRequest Request(IReadOnlyList<WeightedAdapter> adapters, string? weights, string output) => new()
    {
        Adapters = adapters,
        Method = Method,
        Settings = Settings,
        Given = [.. Given.Select(pair => pair.Key)],
        Keep = Keep,
        Base = weights,
        Output = output,
    };
}
