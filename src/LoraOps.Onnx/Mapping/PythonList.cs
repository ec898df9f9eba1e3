using System.Text;

namespace LoraOps.Onnx.Mapping;

/// <summary>Reads the strings of a Python list or set as <c>repr</c> prints it, which is how PyTorch's exporter stores lists in metadata.</summary>
public static class PythonList
{
    /// <summary>The strings in order; what is no string is skipped, and a broken text gives what could be read.</summary>
    public static IReadOnlyList<string> Parse(string text)
    {
        var items = new List<string>();
        for (var at = 0; at < text.Length; at++)
        {
            if (text[at] is '\'' or '"')
                items.Add(Quoted(text, ref at));
        }

        return items;
    }

    private static string Quoted(string text, ref int at)
    {
        var quote = text[at];
        var item = new StringBuilder();
        for (at++; at < text.Length && text[at] != quote; at++)
        {
            if (text[at] == '\\' && at + 1 < text.Length)
                at++;

            item.Append(text[at]);
        }

        return item.ToString();
    }
}
