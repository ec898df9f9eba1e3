using LoraOps.Onnx.AdapterFiles;
using LoraOps.Readers.Samples;

namespace LoraOps.Runtime.Quantizing;

/// <summary>An adapter of a model that has several, and what the model sees while it is active.</summary>
/// <param name="Name">What it is called; in a switchable model its name there.</param>
/// <param name="Samples">Its calibration samples.</param>
/// <param name="Content">What it puts into the inputs of the form <c>inputs</c>; null if it is in the graph.</param>
public sealed record AdapterSamples(string Name, SampleSet Samples, OnnxAdapter? Content);

/// <summary>What an adapter loses because all share one range for each tensor.</summary>
/// <param name="Adapter">The adapter; empty for the model without one.</param>
/// <param name="Tensor">The tensor where it loses most.</param>
/// <param name="Decibels">20 log10 of the shared range over its own: what its signal loses there against the noise of rounding.</param>
public sealed record SharedRangeCost(string Adapter, string Tensor, double Decibels)
{
    /// <summary>What is worth ranges of its own.</summary>
    public const double Much = 3;
}
