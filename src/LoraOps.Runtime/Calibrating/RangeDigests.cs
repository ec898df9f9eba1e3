using System.Security.Cryptography;
using System.Text;
using LoraOps.Onnx.Graphs;
using LoraOps.Readers.Samples;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Calibrating;

/// <summary>What ranges hold for, by content.</summary>
internal static class RangeDigests
{
    private const int BlockBytes = 1 << 20;

    /// <summary>Of all values of a model.</summary>
    public static string OfModel(IReadOnlyDictionary<string, string> identities) => Convert.ToHexStringLower(SHA256.HashData(
        Encoding.UTF8.GetBytes(string.Join('\n', identities.Values.Order(StringComparer.Ordinal)))));

    /// <summary>Of the samples that a model's inputs take; other arrays do not count.</summary>
    public static string OfData(OnnxModel model, SampleSet data)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var names = model.Graph.Input.Select(input => input.Name).Order(StringComparer.Ordinal).ToList();
        foreach (var tensor in data.Groups.SelectMany(group => names.Select(group.Find).OfType<Tensor>()))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{tensor.Name.Length}:{tensor.Name} {tensor.Type} {tensor.Shape}\n"));
            var block = new byte[Math.Min(BlockBytes, tensor.ByteLength)];
            for (long at = 0; at < tensor.ByteLength; at += block.Length)
            {
                var part = block.AsSpan(0, (int)Math.Min(block.Length, tensor.ByteLength - at));
                tensor.ReadBytes(at, part);
                hash.AppendData(part);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
