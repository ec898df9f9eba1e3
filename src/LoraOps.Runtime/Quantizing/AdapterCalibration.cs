using System.Runtime.InteropServices;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Calibrating;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Quantizing;

/// <summary>
/// Calibrates a model that has several adapters: each is measured while it is active, on samples of its own, and every tensor gets the range
/// that holds them all. The ranges of the base alone would clip what adapters do.
/// </summary>
internal sealed class AdapterCalibration(OnnxModel prepared, QuantizationRequest request)
{
    private const string Choice = "adapter";
    private readonly IReadOnlyList<string> _inside = FormMetadata.Read(prepared)?.Adapters ?? [];
    private readonly bool _isChosen = prepared.Graph.Input.Any(input => input.Name == Choice);

    /// <summary>Everything that keeps the adapters from being measured.</summary>
    public IReadOnlyList<Problem> Check()
    {
        if (request.Calibrating.Ranges is not null)
            return [];

        var overridable = OverridableInputs.Of(prepared).Count > 0;
        if (overridable && !_isChosen && request.Adapters.Count == 0)
            return [SchemeProblems.AdapterRangesMissing(prepared.Path)];

        var model = AdaptableModel.Of(prepared);
        return [.. request.Adapters.SelectMany(one => one.Content is { } content
            ? AdapterFit.Check(content, one.Name, model)
            : _isChosen && _inside.Contains(one.Name)
                ? []
                : [SchemeProblems.AdapterUnknown(prepared.Path, one.Name, NearMisses.Phrase(one.Name, _inside))])];
    }

    /// <summary>Measures base and adapters.</summary>
    /// <param name="run">Calibrates one model on some samples.</param>
    public CalibratedRanges Run(Func<OnnxModel, SampleSet, CalibratedRanges> run)
    {
        var measured = new List<(string Name, CalibratedRanges Ranges)>();
        if (request.Calibration is { } plain)
            measured.Add(("", run(prepared, _isChosen && plain.Find(Choice) is null ? Chosen(plain, 0) : plain)));

        foreach (var one in request.Adapters)
        {
            measured.Add((one.Name, one.Content is { } content
                ? run(Active(content), one.Samples)
                : run(prepared, Chosen(one.Samples, _inside.ToList().IndexOf(one.Name) + 1))));
        }

        return measured is [var only] ? only.Ranges : Envelope(measured);
    }

    // An adapter is but other defaults of the inputs that it overrides.
    private OnnxModel Active(OnnxAdapter adapter)
    {
        var model = prepared.Clone();
        var defaults = model.Graph.Initializer.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        foreach (var parameter in adapter.Parameters.Where(parameter => defaults.ContainsKey(parameter.Name)))
        {
            var tensor = defaults[parameter.Name];
            var active = OnnxTensor.Create(
                parameter.Name, OnnxTensor.DataTypeOf(parameter.Type), parameter.Shape.Dims, parameter.ToBytes());
            model.Graph.Initializer[model.Graph.Initializer.IndexOf(tensor)] = active;
        }

        return model;
    }

    private static SampleSet Chosen(SampleSet samples, long number)
    {
        var numbers = new long[samples.Count];
        Array.Fill(numbers, number);
        return samples.With(new BufferTensor(
            Choice, ElementType.I64, new TensorShape([samples.Count]), MemoryMarshal.AsBytes(numbers.AsSpan()).ToArray()));
    }

    private CalibratedRanges Envelope(List<(string Name, CalibratedRanges Ranges)> measured)
    {
        var tensors = measured[0].Ranges.Tensors.Select((tensor, at) => new CalibratedTensor(
            tensor.Name,
            Union(measured.Select(one => one.Ranges.Tensors[at].Range)),
            Union(measured.Select(one => one.Ranges.Tensors[at].Observed)))).ToList();
        return new CalibratedRanges(tensors, measured.Sum(one => one.Ranges.Samples))
        {
            Costs = [.. measured.Select(one => Cost(one.Name, one.Ranges, tensors))],
        };
    }

    private SharedRangeCost Cost(string name, CalibratedRanges own, List<CalibratedTensor> shared) => own.Tensors
        .Select((tensor, at) => new SharedRangeCost(name, tensor.Name, Decibels(shared[at].Range, tensor.Range)))
        .MaxBy(cost => cost.Decibels) ?? new SharedRangeCost(name, "", 0);

    private double Decibels(TensorRange shared, TensorRange own)
    {
        var (wide, narrow) = (Extent(shared), Extent(own));
        return wide == narrow ? 0 : 20 * Math.Log10(wide / narrow);
    }

    // What one code stands for is this over the number of codes.
    private double Extent(TensorRange range) => request.Chip.Activations.Symmetric
        ? Math.Max(Math.Abs(range.Min), Math.Abs(range.Max))
        : Math.Max(range.Max, 0.0) - Math.Min(range.Min, 0.0);

    private static TensorRange Union(IEnumerable<TensorRange> ranges)
    {
        var all = ranges.ToList();
        return new TensorRange(all.Min(range => range.Min), all.Max(range => range.Max));
    }
}
