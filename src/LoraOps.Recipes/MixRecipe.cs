using LoraOps.Merging;
using LoraOps.Mixing;
using LoraOps.Problems;
using LoraOps.Recipes.Reading;

namespace LoraOps.Recipes;

/// <summary>What a mix is made of and how: a file of JSON or YAML, its paths relative to it.</summary>
public sealed record MixRecipe
{
    /// <summary>The adapters in order, each with its weight.</summary>
    public required IReadOnlyList<AdapterSource> Adapters { get; init; }

    /// <summary>The method.</summary>
    public required MixMethod Method { get; init; }

    /// <summary>Its parameters.</summary>
    public required MixSettings Settings { get; init; }

    /// <summary>The names of the parameters that the file gives.</summary>
    public required IReadOnlyList<string> Given { get; init; }

    /// <summary>The base model, or null.</summary>
    public string? Base { get; init; }

    /// <summary>The adapter whose saved modules are taken as they are, or null.</summary>
    public string? Keep { get; init; }

    /// <summary>
    /// Reads a file with the keys <c>method</c>, <c>adapters</c> (a list of <c>path</c>, <c>weight</c>, <c>name</c>) and the
    /// method's parameters.
    /// </summary>
    /// <exception cref="LoraOpsException">Every mistake in it, each with its line.</exception>
    public static MixRecipe Load(string path) => MixRecipeReader.Read(path);
}
