using LoraOps.Onnx.Chips;
using LoraOps.Problems;
using LoraOps.Recipes.Reading;
using LoraOps.Runtime.Calibrating;
using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Recovering;

namespace LoraOps.Recipes;

/// <summary>A value and the line of the recipe that it was written on.</summary>
/// <param name="Value">The value.</param>
/// <param name="Line">The line, from 1.</param>
public readonly record struct Written<T>(T Value, int Line);

/// <summary>What is wanted: one base model, some adapters, some chips, and the limits that every result must keep.</summary>
public sealed record Recipe
{
    /// <summary>The recipe's file, as it was named.</summary>
    public required string Path { get; init; }

    /// <summary>What people call it.</summary>
    public required string Name { get; init; }

    /// <summary>The base graph.</summary>
    public required Written<string> Model { get; init; }

    /// <summary>The checkpoint that the graph was exported from, or null: every mapped site is compared with it.</summary>
    public Written<string>? Weights { get; init; }

    /// <summary>The adapters in file order, then the mixes.</summary>
    public required IReadOnlyList<RecipeAdapter> Adapters { get; init; }

    /// <summary>The chips, in file order.</summary>
    public required IReadOnlyList<Written<ChipProfile>> Chips { get; init; }

    /// <summary>The limits between PyTorch's record and the merged model.</summary>
    public required IReadOnlyList<Gate> ConvertGates { get; init; }

    /// <summary>The limits between the merged and the quantized model; empty: each chip's own.</summary>
    public required IReadOnlyList<Gate> QuantizeGates { get; init; }

    /// <summary>
    /// What a quantized model must reach on the adapter's evaluation samples, by lifting layers where that is needed; empty for what the chip's
    /// profile asks for.
    /// </summary>
    public IReadOnlyList<Gate> Until { get; init; } = [];

    /// <summary>How the ranges of activations are found.</summary>
    public CalibrationSettings Calibrating { get; init; } = new();

    /// <summary>What quantization does to keep the accuracy.</summary>
    public RecoverySettings Recovery { get; init; } = RecoverySettings.None;

    /// <summary>The folder that bundles go to.</summary>
    public required Written<string> Output { get; init; }

    /// <summary>Reads a recipe (YAML; paths are relative to it).</summary>
    /// <exception cref="LoraOpsException">Every mistake in it, each with its line.</exception>
    public static Recipe Load(string path) => RecipeReader.Read(path);

    /// <summary>The limits of a quantized model for a chip.</summary>
    public IReadOnlyList<Gate> GatesFor(ChipProfile chip) =>
        QuantizeGates.Count > 0 ? QuantizeGates : [.. chip.Gates.Select(Gate.Parse)];

    /// <summary>A line of the recipe, for messages.</summary>
    internal string At(int line) => $"{Path}:{line}";
}

/// <summary>An adapter of a recipe and its data.</summary>
public sealed record RecipeAdapter
{
    /// <summary>What people call it; also a part of its bundles' names.</summary>
    public required string Name { get; init; }

    /// <summary>The line that names it.</summary>
    public required int Line { get; init; }

    /// <summary>The PEFT folder; null for a mix.</summary>
    public Written<string>? Path { get; init; }

    /// <summary>What it is made of; null for an adapter that lies in a folder.</summary>
    public RecipeMix? Mix { get; init; }

    /// <summary>The samples that ranges are found on.</summary>
    public required RecipeData Calibration { get; init; }

    /// <summary>Labelled samples that no training saw.</summary>
    public required RecipeData Evaluation { get; init; }

    /// <summary>Inputs, and what PyTorch gave for them with the adapter active; null: the conversion is not proven by a record.</summary>
    public Written<string>? Expected { get; init; }
}
