using System.Buffers;
using System.Numerics.Tensors;
using LoraOps.Problems;
using LoraOps.Tensors;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Readers.Peft;

/// <summary>What every tensor of an adapter must be, whatever its part: floats, some of them, all finite.</summary>
internal static class TensorCheck
{
    private const int ScanLength = 1 << 16;

    /// <summary>The problem of a tensor, or null. Reads its values block by block.</summary>
    /// <param name="file">The adapter file.</param>
    /// <param name="tensor">The tensor.</param>
    /// <param name="isIndex">True if it may hold whole numbers in an integer type.</param>
    public static Problem? ProblemOf(string file, Tensor tensor, bool isIndex = false) => tensor switch
    {
        { Shape.ElementCount: 0 } => AdapterProblems.TensorEmpty(file, tensor.Name, tensor.Shape.ToString()),
        { Shape.ElementCount: > int.MaxValue / 2 } => AdapterProblems.TensorInvalid(
            file, tensor.Name, $"has shape {tensor.Shape}; at most {int.MaxValue / 2} elements are allowed"),
        _ when !tensor.Type.IsFloat() && !(isIndex && tensor.Type.IsNumeric()) => AdapterProblems.TensorInvalid(
            file, tensor.Name, $"holds {tensor.Type.Name()} elements; float types are allowed"),
        _ when tensor.Type.IsFloat() && !IsFinite(tensor) => AdapterProblems.NotFinite(file, tensor.Name),
        _ => null,
    };

    private static bool IsFinite(Tensor tensor)
    {
        var block = ArrayPool<float>.Shared.Rent(ScanLength);
        try
        {
            for (long first = 0; first < tensor.Shape.ElementCount; first += ScanLength)
            {
                var values = block.AsSpan(0, (int)Math.Min(ScanLength, tensor.Shape.ElementCount - first));
                tensor.ReadFloats(first, values);

                // NaN counts as the largest magnitude of all.
                if (!float.IsFinite(TensorPrimitives.MaxMagnitude<float>(values)))
                    return false;
            }

            return true;
        }
        finally
        {
            ArrayPool<float>.Shared.Return(block);
        }
    }
}
