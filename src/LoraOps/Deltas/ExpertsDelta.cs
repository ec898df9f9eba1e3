using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Deltas;

/// <summary>
/// LoRA on a raw parameter (PEFT's target_parameters): ΔW[e] = scale · B[:, :, e] · A[e] of fused experts, or plain LoRA of a
/// matrix. PEFT stores A expert after expert but B with the expert innermost. The tensors name neither the parameter nor
/// its layout: whoever knows the base chooses with <see cref="For"/>.
/// </summary>
public sealed class ExpertsDelta : Delta
{
    private readonly AdapterConfig _config;
    private readonly ModuleName _module;
    private readonly int _experts;
    private readonly bool _isTransposed;

    internal ExpertsDelta(ModuleTensors source, AdapterConfig config, (Tensor A, Tensor B) factors, IReadOnlyList<string> parameters)
    {
        (_module, Depth, _config) = (source.Module, source.Depth, config);
        (A, B) = factors;
        Parameters = parameters;
        var ranks = checked((int)A.Shape[0]);
        var said = ModulePattern.Find(config.RankPattern, new ModuleName(_module.Parameter(parameters[0]))) ?? config.Rank;
        _experts = ranks % said == 0 ? ranks / said : 1;
    }

    private ExpertsDelta(ExpertsDelta other, string parameter, TensorShape stored, bool isTransposed)
    {
        (_module, Depth, _config, A, B) = (other._module, other.Depth, other._config, other.A, other.B);
        Parameters = [parameter];
        WeightShape = stored;
        _experts = stored.Rank == 3 ? checked((int)stored[0]) : 1;
        _isTransposed = isTransposed;
    }

    /// <inheritdoc/>
    public override string Method => "lora";

    /// <inheritdoc/>
    public override LayerKind Layer => LayerKind.Experts;

    /// <inheritdoc/>
    public override string Parameter => string.Join('|', Parameters);

    /// <inheritdoc/>
    public override TensorShape? WeightShape { get; }

    /// <summary>The rank of each expert.</summary>
    public override int Rank => checked((int)A.Shape[0]) / _experts;

    /// <inheritdoc/>
    public override double Scale => LoraMethod.ScaleOf(new ModuleName(_module.Parameter(Parameters[0])), _config, Rank);

    /// <inheritdoc/>
    public override bool NeedsWeight => false;

    /// <inheritdoc/>
    public override string Expected => WeightShape?.ToString() ??
        $"[{B.Shape[0]}, {A.Shape[1]}], or [experts, {B.Shape[0]}, {A.Shape[1]}] or [experts, {A.Shape[1]}, {B.Shape[0]}] for a divisor of {A.Shape[0]}";

    /// <summary>[experts · r, in]: the experts one after the other.</summary>
    public Tensor A { get; }

    /// <summary>[out, r · experts]: the expert innermost.</summary>
    public Tensor B { get; }

    /// <summary>How many other adapted parameters of the module were registered after this one.</summary>
    public int Depth { get; }

    /// <summary>The parameters that the config names and this may be; one once it is chosen.</summary>
    public IReadOnlyList<string> Parameters { get; }

    /// <summary>The delta of one parameter.</summary>
    /// <param name="parameter">The parameter's own name.</param>
    /// <param name="stored">Its shape, which fits.</param>
    /// <param name="isTransposed">True for [experts, in, out], false for [experts, out, in].</param>
    public ExpertsDelta For(string parameter, TensorShape stored, bool isTransposed) => new(this, parameter, stored, isTransposed);

    /// <summary>The LoRA of each expert's own layer: equal parts of the rows, for a base that stores the experts one by one.</summary>
    /// <param name="parameter">The fused parameter's name, for the scale.</param>
    /// <param name="experts">How many experts there are, a divisor of all ranks.</param>
    /// <param name="part">Which part of the rows.</param>
    /// <param name="parts">How many parts, a divisor of the outputs.</param>
    public IEnumerable<LoraDelta> Split(string parameter, int experts, int part, int parts)
    {
        var (inputs, rows) = (checked((int)A.Shape[1]), checked((int)B.Shape[0]) / parts);
        var (a, b, ranks) = (A.ToFloats(), B.ToFloats(), checked((int)A.Shape[0]));
        var rank = ranks / experts;
        var scale = LoraMethod.ScaleOf(new ModuleName(_module.Parameter(parameter)), _config, rank);
        for (var expert = 0; expert < experts; expert++)
        {
            var outputs = new float[rows * rank];
            for (var index = 0; index < outputs.Length; index++)
                outputs[index] = b[(((part * rows) + (index / rank)) * ranks) + (index % rank * experts) + expert];

            yield return new LoraDelta(
                LayerKind.Linear,
                BufferTensor.FromFloats(A.Name, ElementType.F32, new TensorShape(rank, inputs), a.AsSpan(expert * rank * inputs, rank * inputs)),
                BufferTensor.FromFloats(B.Name, ElementType.F32, new TensorShape(rows, rank), outputs),
                scale);
        }
    }

    /// <inheritdoc/>
    public override bool Fits(TensorShape weight) =>
        WeightShape is null ? FitsLayout(weight, isTransposed: false) || FitsLayout(weight, isTransposed: true) : weight.Equals(WeightShape);

    /// <summary>True if a parameter of this shape may have this layout; a matrix is always [out, in].</summary>
    /// <param name="stored">The parameter's shape.</param>
    /// <param name="isTransposed">True for [experts, in, out], false for [experts, out, in].</param>
    public bool FitsLayout(TensorShape stored, bool isTransposed)
    {
        var (outputs, inputs) = isTransposed ? (stored.Rank - 1, stored.Rank - 2) : (stored.Rank - 2, stored.Rank - 1);
        return ((stored.Rank == 2 && !isTransposed) || (stored.Rank == 3 && stored[0] > 0 && A.Shape[0] % stored[0] == 0)) &&
            stored[outputs] == B.Shape[0] && stored[inputs] == A.Shape[1];
    }

    /// <inheritdoc/>
    public override long ColumnsOf(TensorShape weight) => weight[-1];

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight) => 2 * sizeof(float) * (A.Shape.ElementCount + B.Shape.ElementCount);

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var (rank, inputs, outputs) = (Rank, checked((int)A.Shape[1]), checked((int)B.Shape[0]));
        var left = Rearranged(B.ToFloats(), (outputs, rank * _experts), (rank, _experts), 1);
        var right = A.ToFloats();
        if (!_isTransposed)
            return new ExpertsUpdate(left, right, rank, inputs, Scale);

        // ΔW[e] of this layout is A[e]ᵀ · B[e]ᵀ.
        var coefficients = Rearranged(right, (inputs, 1), (rank, inputs), rank * inputs);
        return new ExpertsUpdate(coefficients, Rearranged(left, (rank, 1), (outputs, rank), rank * outputs), rank, outputs, Scale);
    }

    // [experts, rows, columns] of values that lie these steps apart.
    private float[] Rearranged(float[] values, (int Count, int Step) rows, (int Count, int Step) columns, int expertStep)
    {
        var result = new float[values.Length];
        var at = 0;
        for (var expert = 0; expert < _experts; expert++)
        {
            for (var row = 0; row < rows.Count; row++)
            {
                var start = (expert * expertStep) + (row * rows.Step);
                for (var column = 0; column < columns.Count; column++)
                    result[at++] = values[start + (column * columns.Step)];
            }
        }

        return result;
    }
}
