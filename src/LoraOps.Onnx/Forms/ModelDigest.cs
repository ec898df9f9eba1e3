using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using Google.Protobuf;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Forms;

/// <summary>
/// The identity of a base model: SHA-256 over its graph, its opsets and every stored tensor's bytes, wherever they lie. Inline or
/// external storage, producer fields and metadata do not count.
/// </summary>
public static class ModelDigest
{
    private const int BlockBytes = 1 << 20;

    /// <summary>The digest, lower-case hexadecimal.</summary>
    public static string Of(OnnxModel model)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var bare = model.Clone();
        foreach (var tensor in bare.AllTensors())
        {
            if (OnnxTensor.TypeOf(tensor.DataType) is not null)
            {
                Append(hash, model, tensor);
                OnnxTensor.SetRaw(tensor, null);
            }
        }

        var message = new ModelProto { Graph = bare.Graph };
        message.OpsetImport.AddRange(bare.Proto.OpsetImport);
        message.Functions.AddRange(bare.Proto.Functions);
        hash.AppendData(message.ToByteArray());
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The 31 bits of a digest that fit into an adapter file's model_version; never 0, which says nothing.</summary>
    /// <param name="digest">Hexadecimal, from 8 digits.</param>
    public static int Pairing(string digest)
    {
        ArgumentException.ThrowIfNullOrEmpty(digest);
        var bits = uint.Parse(digest.AsSpan(0, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) & int.MaxValue;
        return bits == 0 ? 1 : (int)bits;
    }

    /// <summary><see cref="Pairing"/>, or null if the text is no digest: it may come from a stranger's metadata.</summary>
    public static int? TryPairing(string digest) =>
        digest is { Length: >= 8 } && digest.All(char.IsAsciiHexDigit) ? Pairing(digest) : null;

    private static void Append(IncrementalHash hash, OnnxModel model, TensorProto tensor)
    {
        var values = model.Read(tensor);
        var length = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, values.ByteLength);
        hash.AppendData(length);
        var block = new byte[Math.Min(BlockBytes, values.ByteLength)];
        for (long at = 0; at < values.ByteLength; at += block.Length)
        {
            var part = block.AsSpan(0, (int)Math.Min(block.Length, values.ByteLength - at));
            values.ReadBytes(at, part);
            hash.AppendData(part);
        }
    }
}
