using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;
using LoraOps.Problems;
using LoraOps.Readers.Samples;

namespace LoraOps.Runtime.Calibrating;

/// <summary>Takes ranges from a file where they still hold, and measures the others.</summary>
internal static class RangeReuse
{
    /// <summary>Every range from the file.</summary>
    /// <exception cref="LoraOpsException">A tensor is missing, or is computed otherwise.</exception>
    public static CalibratedRanges All(RangeFile file, OnnxModel prepared, IReadOnlyList<string> tensors)
    {
        var known = file.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        var now = TensorIdentities.Of(prepared);
        var foreign = tensors.Where(name => !known.TryGetValue(name, out var stored) || stored.Identity != now[name]).ToList();
        return foreign.Count == 0
            ? new CalibratedRanges([.. tensors.Select(name => Taken(known[name], name))], file.Samples) { TakenOver = tensors.Count }
            : throw new LoraOpsException(RangeProblems.Foreign(file.Path, prepared.Path, foreign, tensors.Count));
    }

    /// <summary>
    /// The ranges of an adapted model. On the data and with the settings of the file, tensors that are computed as in the base keep its ranges,
    /// which are the very numbers that measuring would give, and only the changed cone is measured. On other data everything is measured,
    /// and how far it left the base's range is told.
    /// </summary>
    /// <inheritdoc cref="Calibration.Run"/>
    public static CalibratedRanges Cone(
        RangeFile origin, OnnxModel model, IReadOnlyList<string> tensors, SampleSet data, CalibrationSettings settings,
        Action<int>? samplesDone, CancellationToken stop)
    {
        var now = TensorIdentities.Of(model);
        var stored = origin.Tensors.GroupBy(tensor => tensor.Identity, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.First(), StringComparer.Ordinal);
        var isSame = origin.Data == RangeDigests.OfData(model, data);
        if (!isSame || !Agree(origin.Settings, settings))
        {
            var all = Calibration.Run(model, tensors, data, settings with { KeepsCounts = true }, samplesDone, stop);
            return all with { Drifts = Drifts(origin, all, now, isSame) };
        }

        var cone = tensors.Where(name => !stored.ContainsKey(now[name])).ToList();
        var measured = Calibration.Run(model, cone, data, settings with { KeepsCounts = true }, samplesDone, stop);
        var own = measured.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        var joined = tensors.Distinct(StringComparer.Ordinal).Select(name => own.GetValueOrDefault(name) ?? Taken(stored[now[name]], name)).ToList();
        return new CalibratedRanges(joined, data.Count) { TakenOver = joined.Count - own.Count, Drifts = Drifts(origin, measured, now, isSame) };
    }

    private static CalibratedTensor Taken(StoredRange stored, string name) => new(name, stored.Range, stored.Observed);

    private static bool Agree(CalibrationSettings one, CalibrationSettings other) =>
        one with { Threads = 0, KeepsCounts = false } == other with { Threads = 0, KeepsCounts = false };

    // A tensor of the cone has no counterpart but by its name.
    private static List<RangeDrift> Drifts(RangeFile origin, CalibratedRanges measured, IReadOnlyDictionary<string, string> now, bool isSameData)
    {
        var known = origin.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        var drifts = new List<RangeDrift>();
        foreach (var tensor in measured.Tensors)
        {
            if (!known.TryGetValue(tensor.Name, out var before))
                continue;

            var (old, own) = (Magnitude(before.Observed), Magnitude(tensor.Observed));
            var isUnchanged = before.Identity == now[tensor.Name];
            if (isUnchanged && isSameData)
                continue;

            var ratio = old > 0 ? own / old : own > 0 ? double.PositiveInfinity : 1;
            drifts.Add(new RangeDrift(tensor.Name, ratio, tensor.Seen?.ShareBeyond(before.Observed) ?? 0, isUnchanged));
        }

        return drifts;
    }

    private static double Magnitude(TensorRange range) => Math.Max(Math.Abs((double)range.Min), Math.Abs((double)range.Max));
}
