using LoraOps.Problems;
using LoraOps.Readers;
using LoraOps.Tensors;
using LoraOps.Writers;

namespace LoraOps.Onnx.AdapterFiles;

/// <summary>
/// <c>.onnx_adapter</c> files, read and written without ONNX Runtime. ONNX Runtime up to 1.24 believes what such a file says of its
/// lengths: read a stranger's file here before it is loaded there.
/// Format: FlatBuffers, microsoft/onnxruntime, onnxruntime/lora/adapter_format/adapter_schema.fbs.
/// </summary>
public static class OnnxAdapterFile
{
    /// <summary>The ending of such files.</summary>
    public const string Extension = ".onnx_adapter";

    /// <summary>Reads and checks a file; the parameters' data are read when they are asked for.</summary>
    /// <exception cref="LoraOpsException">It is missing, or anything in it is not as the format wants it.</exception>
    public static OnnxAdapter Read(string path)
    {
        long length;
        using (var file = InputFile.Open(path))
            length = file.Length;

        var bytes = new PagedBytes(new FileTensor("", ElementType.U8, new TensorShape(length), path, 0));
        return new AdapterFileReader(path, bytes, (name, type, shape, start) => new FileTensor(name, type, shape, path, start)).Read();
    }

    /// <summary>Reads and checks a file that is in memory.</summary>
    /// <param name="bytes">The file; the parameters keep it.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="LoraOpsException">Anything in it is not as the format wants it.</exception>
    public static OnnxAdapter Read(ReadOnlyMemory<byte> bytes, string name)
    {
        var pages = new PagedBytes(new BufferTensor("", ElementType.U8, new TensorShape(bytes.Length), bytes));
        return new AdapterFileReader(name, pages, (parameter, type, shape, start) => new BufferTensor(
            parameter, type, shape, bytes.Slice((int)start, (int)(shape.ElementCount * type.Bits() / 8)))).Read();
    }

    /// <summary>Writes a file; the same adapter gives the same bytes. The data pass through in blocks.</summary>
    /// <param name="path">A file that does not exist and that no user sees yet (<see cref="StagedOutput"/>).</param>
    /// <param name="adapter">What to write.</param>
    /// <param name="layout">How the bytes are arranged.</param>
    /// <exception cref="LoraOpsException">The format has no place for a parameter, or the file cannot be written.</exception>
    public static void Write(string path, OnnxAdapter adapter, OnnxAdapterLayout layout = OnnxAdapterLayout.Streaming)
    {
        var plan = Plan(adapter, layout, path);
        using var file = new OutputFile(path, plan.Length);
        plan.WriteTo(file.Write);
        file.Finish();
    }

    /// <summary>The bytes that <see cref="Write"/> writes.</summary>
    /// <exception cref="LoraOpsException">The format has no place for a parameter.</exception>
    public static byte[] ToBytes(OnnxAdapter adapter, OnnxAdapterLayout layout = OnnxAdapterLayout.Streaming)
    {
        var plan = Plan(adapter, layout, "");
        var bytes = new byte[plan.Length];
        var at = 0;
        plan.WriteTo(part =>
        {
            part.CopyTo(bytes.AsSpan(at));
            at += part.Length;
        });
        return bytes;
    }

    private static AdapterFilePlan Plan(OnnxAdapter adapter, OnnxAdapterLayout layout, string path)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        var final = StagedOutput.FinalPath(path);
        if (AdapterFilePlan.Obstacles(adapter, final) is { Count: > 0 } problems)
            throw new LoraOpsException(problems);

        var plan = layout == OnnxAdapterLayout.Runtime ? RuntimePlan.Of(adapter) : StreamingPlan.Of(adapter);
        return plan.Length < AdapterSchema.LengthLimit
            ? plan
            : throw new LoraOpsException(OnnxAdapterProblems.TooLarge(final, $"would be {plan.Length} bytes long; the format ends at 2 GiB"));
    }
}
