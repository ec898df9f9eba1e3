using System.Numerics.Tensors;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Deltas;

/// <summary>
/// Outputs are rotated in pairs and scaled: in each group, output i of the first half and its partner of the second become
/// c₁·y₁ − s₁·y₂ and c₂·y₂ + s₂·y₁ with c = α·cos θ, s = α·sin θ (RoAd, arXiv:2409.00119). It acts on the weight's rows and on
/// the bias.
/// </summary>
public sealed class RoadDelta : Delta
{
    private readonly Tensor _theta;
    private readonly Tensor _alpha;
    private readonly int _group;
    private readonly long _outputs;

    internal RoadDelta(string parameter, (Tensor Theta, Tensor Alpha) values, int group, long outputs)
    {
        (Parameter, (_theta, _alpha), _group, _outputs) = (parameter, values, group, outputs);
    }

    /// <inheritdoc/>
    public override string Method => "road";

    /// <inheritdoc/>
    public override LayerKind Layer => LayerKind.Linear;

    /// <inheritdoc/>
    public override string Parameter { get; }

    /// <inheritdoc/>
    public override bool IsOptional => Parameter == "bias";

    /// <inheritdoc/>
    public override TensorShape? WeightShape => IsOptional ? new TensorShape(_outputs) : null;

    /// <inheritdoc/>
    public override int Rank => 0;

    /// <inheritdoc/>
    public override double Scale => 1;

    /// <inheritdoc/>
    public override bool NeedsWeight => true;

    /// <inheritdoc/>
    public override string Expected => IsOptional ? $"[{_outputs}]" : $"[{_outputs}, in]";

    /// <inheritdoc/>
    public override bool Fits(TensorShape weight) => weight.Rank == (IsOptional ? 1 : 2) && weight[0] == _outputs;

    /// <inheritdoc/>
    public override long RowGroupOf(TensorShape weight) => _group;

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight) => 2 * sizeof(float) * (_outputs + _theta.Shape.ElementCount);

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var (theta, alpha) = (_theta.ToFloats(), _alpha.ToFloats());
        var (own, partner) = (new float[_outputs], new float[_outputs]);
        for (var row = 0; row < own.Length; row++)
        {
            var (cosine, sine) = Places(row);
            var sign = row % _group < _group / 2 ? -1 : 1;
            own[row] = (float)((alpha[cosine] * Math.Cos(theta[cosine])) - 1);
            partner[row] = (float)(sign * alpha[sine] * Math.Sin(theta[sine]));
        }

        return new PairRotation((own, partner), _group, (int)weight.Shape.RowLength);
    }

    // Where a row's parameters lie: shared by the halves of its group (road_1), its own (road_2), or one for c and one for s (road_4).
    private (int Cosine, int Sine) Places(int row)
    {
        var (group, at) = (row / _group, row % _group);
        if (_theta.Shape.ElementCount < _outputs)
            return ((group * (_group / 2)) + (at % (_group / 2)), (group * (_group / 2)) + (at % (_group / 2)));

        return _theta.Shape.ElementCount == _outputs ? (row, row) : ((2 * group * _group) + at, (2 * group * _group) + _group + at);
    }

    private sealed class PairRotation((float[] Own, float[] Partner) gains, int group, int columns) : RowUpdate
    {
        public override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor)
        {
            for (var at = 0; at < rows.Length; at += columns, first++)
            {
                var partner = at + (columns * (first % group < group / 2 ? group / 2 : -(group / 2)));
                var target = rows.Slice(at, columns);
                TensorPrimitives.MultiplyAdd(weight.Slice(at, columns), factor * gains.Own[first], target, target);
                TensorPrimitives.MultiplyAdd(weight.Slice(partner, columns), factor * gains.Partner[first], target, target);
            }
        }
    }
}

/// <summary>Reads RoAd: the angles in road_theta and the lengths in road_alpha.</summary>
public sealed class RoadMethod : AdapterMethod
{
    private const string AnglePart = "road_theta";
    private const string LengthPart = "road_alpha";

    /// <inheritdoc/>
    public override string Name => "road";

    /// <inheritdoc/>
    public override string PeftType => "ROAD";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = [AnglePart, LengthPart];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } = ["group_size", "variant"];

    /// <inheritdoc/>
    public override void Check(AdapterConfig config, Findings findings)
    {
        if (Variant(config) is not ("road_1" or "road_2" or "road_4") && config.Values.Raw("variant") is { } value)
            config.Values.Complain("variant", value, "\"road_1\", \"road_2\" or \"road_4\"");

        if (config.Values.Count("group_size", 64) % 2 != 0)
            config.Values.Complain("group_size", config.Values.Raw("group_size")!.Value, "an even number from 2");
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        foreach (var missing in Parts.Where(part => !tensors.Parts.ContainsKey(part)))
        {
            findings.Problems.Add(AdapterProblems.PartnerMissing(
                tensors.File, tensors.Parts.Values.First().Name, tensors.Module.Parameter(missing)));
            return [];
        }

        var (theta, alpha, group) = (tensors.Parts[AnglePart], tensors.Parts[LengthPart], config.Values.Count("group_size", 64));
        var outputs = Outputs(theta.Shape.ElementCount, Variant(config));
        if (theta.Shape.Rank == 1 && theta.Shape.Equals(alpha.Shape) && outputs > 0 && outputs % group == 0)
            return [new RoadDelta("weight", (theta, alpha), group, outputs), new RoadDelta("bias", (theta, alpha), group, outputs)];

        findings.Problems.Add(AdapterProblems.TensorInvalid(
            tensors.File,
            theta.Name,
            $"has shape {theta.Shape}, its partner {alpha.Shape}; both have one dimension of out / 2, out or 2 out elements for road_1, "
            + $"road_2 and road_4, and out is a multiple of group_size {group}"));
        return [];
    }

    private static string Variant(AdapterConfig config) => config.Values.Text("variant") ?? "road_1";

    private static long Outputs(long elements, string variant) => variant switch
    {
        "road_1" => elements * 2,
        "road_2" => elements,
        _ => elements % 2 == 0 ? elements / 2 : 0,
    };
}
