"""SQLAlchemy's ORM over sharded tables whose keys the server makes, against the server that the PG* variables name. Usage: sqlalchemy_cases.py CASE"""

import os
import sys

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import declarative_base, relationship, selectinload, sessionmaker

Base = declarative_base()


class Author(Base):
    __tablename__ = "orm_authors"
    id = sa.Column(sa.BigInteger, sa.Identity(), primary_key=True)
    name = sa.Column(sa.String(100), nullable=False)
    born = sa.Column(sa.DateTime(timezone=True), server_default=sa.func.now())
    books = relationship("Book", back_populates="author", cascade="all, delete-orphan", order_by="Book.id")


class Book(Base):
    __tablename__ = "orm_books"
    author_id = sa.Column(sa.BigInteger, sa.ForeignKey("orm_authors.id"), primary_key=True)
    id = sa.Column(sa.BigInteger, sa.Identity(), primary_key=True)
    title = sa.Column(sa.Text, nullable=False)
    author = relationship("Author", back_populates="books")


class Tag(Base):
    """A serial key."""

    __tablename__ = "orm_tags"
    id = sa.Column(sa.Integer, primary_key=True)
    label = sa.Column(sa.Text)


def engine():
    url = sa.engine.URL.create(
        "postgresql+psycopg2", os.environ["PGUSER"], os.environ["PGPASSWORD"], os.environ["PGHOST"], int(os.environ["PGPORT"]), os.environ["PGDATABASE"]
    )
    return sa.create_engine(url)


def generated_keys():
    database = engine()
    Base.metadata.drop_all(database)
    Base.metadata.create_all(database)
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("SELECT create_distributed_table('orm_authors', 'id')"))
        connection.execute(sa.text("SELECT create_distributed_table('orm_books', 'author_id', colocate_with => 'orm_authors')"))
        connection.execute(sa.text("SELECT create_distributed_table('orm_tags', 'id')"))
    Session = sessionmaker(database)

    # One by one, with what belongs to them, and in bulk with RETURNING.
    with Session() as session:
        authors = [Author(name=f"author {number}", books=[Book(title=f"{number}/{book}") for book in range(3)]) for number in range(30)]
        session.add_all(authors)
        session.commit()
        ids = [author.id for author in authors]
        assert len(set(ids)) == 30 and None not in ids
        session.bulk_save_objects([Tag(label=f"tag {number}") for number in range(40)], return_defaults=True)
        session.bulk_insert_mappings(Author, [{"name": f"bulk {number}"} for number in range(20)])
        tags = session.execute(sa.insert(Tag).returning(Tag.id).values([{"label": "a"}, {"label": "b"}])).scalars().all()
        assert len(set(tags)) == 2
        session.commit()

    with Session() as session:
        assert session.query(Author).count() == 50 and session.query(Tag).count() == 42
        assert session.query(sa.func.count(sa.distinct(Tag.id))).scalar() == 42
        for position, identity in enumerate(ids):
            author = session.get(Author, identity)
            assert author.name == f"author {position}" and author.born is not None
            assert [book.title for book in author.books] == [f"{position}/{book}" for book in range(3)]
        loaded = session.query(Author).options(selectinload(Author.books)).order_by(Author.name).limit(10).all()
        assert len(loaded) == 10

    # Nested transactions: what is inside is undone alone.
    with Session() as session:
        author = session.get(Author, ids[0])
        author.name = "renamed"
        try:
            with session.begin_nested():
                session.add(Author(id=ids[1], name="twice"))
                session.flush()
            raise AssertionError("a key was stored twice")
        except IntegrityError:
            pass
        with session.begin_nested():
            added = Author(name="nested", books=[Book(title="inside")])
            session.add(added)
        undone = session.begin_nested()
        session.add(Author(name="undone"))
        session.flush()
        undone.rollback()
        session.commit()
        kept = added.id
    with Session() as session:
        assert session.get(Author, ids[0]).name == "renamed"
        assert session.get(Author, kept).books[0].title == "inside"
        assert session.query(Author).filter_by(name="undone").count() == 0
        session.delete(session.get(Author, ids[2]))
        session.commit()
        assert session.query(Book).filter_by(author_id=ids[2]).count() == 0
    Base.metadata.drop_all(database)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
