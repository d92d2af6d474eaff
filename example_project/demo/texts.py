"""The words inside of the demo's books and of its course. They are short, but they are real."""

from __future__ import annotations

from typing import NamedTuple


class Chapter(NamedTuple):
    """A heading and the paragraphs below it."""

    title: str
    paragraphs: tuple[str, ...]


def _chapters(text: str) -> tuple[Chapter, ...]:
    """Read chapters from text: a heading begins with “# ”, a blank line ends a paragraph."""
    chapters: list[Chapter] = []
    for block in text.strip().split("\n\n"):
        words = " ".join(block.split())
        if words.startswith("# "):
            chapters.append(Chapter(words[2:], ()))
        else:
            title, paragraphs = chapters.pop()
            chapters.append(Chapter(title, (*paragraphs, words)))
    return tuple(chapters)


TYPOGRAPHER = _chapters("""
# Before the typeface

Somebody is going to read what you set. Not all of it, not in the order that you intended, and
possibly in a lift. Typography is the part of writing that decides whether they get to the
second line.

The choice of a typeface comes late in this. A good page in a dull typeface is a good page. A
bad page in a beautiful one is a bad page that people remember.

Exercise. Take a page that you made last year. Change its typeface to the dullest one on your
machine and look at it for a minute. Whatever is still wrong with it is what this book is about.

# How long is a line

The eye reads in small jumps, and at the end of a line it has to find the next one. If the line
is too long it lands on the wrong one; if it is too short it spends its time travelling.

Somewhere between fifty and seventy-five characters most people stop noticing. That includes
spaces, and it includes you. On a telephone it will be fewer, and that is fine, because a
telephone is held closer and read in smaller sips.

Exercise. Count the characters of three lines in the middle of a paragraph. If the average is
above eighty, do not make the text larger. Make the column narrower, and leave the rest of the
page alone. It will survive being empty.

# How far apart are the lines

Space between lines is a path for the eye to walk back along. Long lines need a wide path; short
lines can do with a narrow one. So the second decision depends on the first, which is why it is
the second.

Begin at one and a half times the size of the text and then look. Dark typefaces want a little
more, small ones too. Headings want much less: two lines of a heading that drift apart become
two headings.

Exercise. Print one paragraph three times, with three different leadings. Put the sheets on the
floor and stand above them. The right one is an even grey; the others have stripes.

# How large is the text

Larger than you think. The person who reads is older than you, or tired, or holds the thing in a
moving bus, and has not read it nine times already as you have.

You need fewer sizes than you think, too. One for reading, one for headings, one for what stands
beside the text. If you need a fourth, it is usually because the text has a structure that has
not been decided yet. Decide it; the size will go away.

Exercise. Write down all the sizes on your page. Cross out every one that is within a fifth of
its neighbour.

# What belongs together

Space is the strongest sign on a page, stronger than lines, boxes and colours. Things that stand
close to each other belong together, whether you meant it or not.

A heading must therefore be closer to what follows than to what went before. It sounds too
obvious to print, and yet half of all documents have their headings floating exactly in the
middle, belonging to nobody.

Exercise. Remove every line and every box from a table of yours. Put them back one at a time,
and stop as soon as it can be read. You will have two left.

# Leaving things out

There is always one more thing that could be emphasised. Each emphasis is paid for by all the
others. A page on which nothing is bold has an enormous reserve of boldness; it can afford to
whisper once.

Patience is most of the craft. Set the text, leave the room, come back, take one thing away. Do
it again tomorrow. When you take something away and miss it, put it back: you are done.

Exercise. Stop here. Go and read something that somebody set well, and do not look at the type.
""")

UTF8 = _chapters("""
# Numbers for letters

A computer has no letters. It has numbers, and an agreement on which number means which letter.
The agreement that won is called Unicode; it gives each character a number, called its code
point. A is 65. é is 233. The snowman is 9731.

That settles which number. It does not settle how to write the number down in bytes, each of
which can hold no more than 255. That second agreement is UTF-8.

# One to four bytes

Code points below 128 are written as one byte, which begins with the bit 0. So all old plain
English text is already UTF-8, without anybody having done anything.

Anything larger takes two, three or four bytes. The first begins with as many ones as there are
bytes, and then a zero: 110 for two, 1110 for three, 11110 for four. Each byte after it begins
with 10. What is left over holds the bits of the number.

Take é, 233, in bits 11101001. Two bytes have room for eleven bits, so pad it: 00011 101001. Put
the halves into their envelopes: 110 00011 and 10 101001. In hexadecimal that is C3 A9. You have
just encoded an é by hand.

# How Müller lost his name

The ü of Müller is code point 252, in UTF-8 the bytes C3 BC. Now somebody reads these two bytes
by an older agreement, Latin-1, in which each byte is one character. C3 is Ã. BC is ¼. Good
morning, Mr MÃ¼ller.

Nothing was destroyed. Somebody has read the right bytes by the wrong agreement. Write the wrong
characters back as Latin-1 bytes, read those as UTF-8, and he has his name again. Only if the
wrong text was saved, and saved again, does it become archaeology.

# Four habits

Decode at the door. Bytes become text when they come in and text becomes bytes when it goes out;
in between there is only text.

Say the agreement aloud. Write charset=utf-8 in the header, encoding=“utf-8” in the call, and
never rely on what a machine happens to prefer.

Do not count bytes and call them characters. And do not count code points and call them letters,
either: an é can be one code point or two.

Test with a name that has an umlaut in it. There is always one in the customer list anyway.
""")

COURSE = _chapters("""
# Ask for less

The kindest field is the one that isn't there. Before you improve a form, take away what you ask
only because you always have: the title, the second address line, the date of birth of somebody
who buys a book.

For each field, finish the sentence “We need this in order to …”. If the sentence ends in “know
more about our customers”, the field goes. If it ends in “send the file”, it stays.

Try it. List the fields of a form that you are responsible for, and write the sentence beside
each. Remove one field this week. Nobody will write to complain.

# Labels that stay

A placeholder is not a label. It disappears at the moment at which it would be needed, and it is
printed in the grey that designers like and readers don't.

Put a real label above each field, tie it to its input with for and id, and put help between the
two, so that it is read before typing and not after. A screen reader needs aria-describedby to
find the help; a person needs to see it.

Try it. Fill in your own form with the monitor turned off and a screen reader on. Five minutes
are enough to find three things.

# Accept what people write

A card number with spaces is a card number. A telephone number with a bracket in it is a
telephone number. An address with a trailing blank is an address. Software is very good at
removing spaces; let it.

Be strict in what you store, not in what you accept. Normalise once, on the server, and show
what you understood, so that a misunderstanding is seen by the one person who can put it right.

Try it. Search your code for the word “invalid”. At each place, ask what the person probably
meant, and whether the program could have known.

# Errors that say what to do

A good message has three parts: what is wrong, where, and what to write instead. “Invalid input”
has none of them.

Put the message next to the field, say it in words and not by colour alone, keep everything that
was typed, and bring the person to the first problem. Then say once at the top how many there
are: it is discouraging to find the third after the second.

Try it. Collect all the error messages of a form in one list and read them aloud to somebody who
has never seen it. Rewrite those at which they look at you.

# The day it goes wrong

Somebody will press the button twice. Somebody's train will enter a tunnel. Somebody will come
back tomorrow with the tab still open and the session gone.

Make the second press harmless: give each attempt a key and let the server recognise it. Keep
what was typed when the session has expired, and return to it after the log-in. When you don't
know whether a payment went through, say exactly that, and say what happens next. It is the most
forgiving sentence that a form can contain.

Try it. Open your form, pull out the network cable, press the button. Now be the person who sees
that.
""")
