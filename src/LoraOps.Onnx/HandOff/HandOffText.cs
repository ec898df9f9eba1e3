using System.Text;
using LoraOps.Problems;
using LoraOps.Readers;

namespace LoraOps.Onnx.HandOff;

/// <summary>Text files as vendors' tools exchange them: UTF-8 without a mark, lines ended as unix does.</summary>
internal static class HandOffText
{
    private const long MaxBytes = 1 << 26;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Writes a text.</summary>
    public static void Write(string path, string text) => File.WriteAllText(path, text, Strict);

    /// <summary>Reads a text of at most 64 MiB.</summary>
    /// <param name="path">The file.</param>
    /// <param name="kind">What it should be, for messages.</param>
    /// <exception cref="LoraOpsException">It is missing, too large or no UTF-8.</exception>
    public static string Read(string path, string kind)
    {
        var bytes = InputFile.ReadAll(path, MaxBytes, length =>
            HandOffProblems.FileInvalid(path, kind, $"it has {length} bytes, the most that are read are {MaxBytes}"));
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw new LoraOpsException(HandOffProblems.FileInvalid(path, kind, "it is no UTF-8"));
        }
    }
}
