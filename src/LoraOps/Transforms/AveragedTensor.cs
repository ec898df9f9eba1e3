using LoraOps.Tensors;

namespace LoraOps.Transforms;

/// <summary>start + Σ factor · (value − start) of whole parameters, worked out in float64 and rounded once to float32.</summary>
/// <param name="name">The name, for messages.</param>
/// <param name="start">The base's value; null for Σ factor · value.</param>
/// <param name="terms">The factors and values, of one shape.</param>
internal sealed class AveragedTensor(string name, Tensor? start, IReadOnlyList<(double Factor, Tensor Value)> terms)
    : ComputedTensor(name, terms[0].Value.Shape)
{
    /// <inheritdoc/>
    protected override void Compute(long first, Span<float> values)
    {
        var (read, sum) = (new float[values.Length], new double[values.Length]);
        var rest = 0.0;
        foreach (var (factor, value) in terms)
        {
            value.ReadFloats(first, read);
            rest += factor;
            for (var index = 0; index < read.Length; index++)
                sum[index] += factor * read[index];
        }

        start?.ReadFloats(first, read);
        for (var index = 0; index < read.Length; index++)
            values[index] = (float)(start is null ? sum[index] : sum[index] + ((1 - rest) * read[index]));
    }
}
